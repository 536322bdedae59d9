// The queue of an mpmc channel: messages in the order in which they came.
//
// A message is an object of its own, made before and destroyed after the lock,
// so that none of T's functions is called under it. Its memory comes from the
// pool of task frames, and goes back as soon as it is received.
//
// Threads: any.
// Owner:   of the messages in it.
#ifndef EDDY_SYNC_MPMC_QUEUE_H_
#define EDDY_SYNC_MPMC_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "sync/pooled.h"

namespace eddy::sync::mpmc {

template <class T>
class Message {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a channel's values must not throw when they are moved: send a "
                "std::unique_ptr");

 public:
  explicit Message(T&& from) noexcept : value(std::move(from)) {}

  T value;

 private:
  template <class U>
  friend class Queue;

  Message* next_ = nullptr;
};

template <class T>
class Queue {
 public:
  using Owner = Pooled<Message<T>>;

  Queue() {}
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;
  ~Queue() {
    while (pop() != nullptr) {
    }
  }

  // False if it is closed, and then `message` is as it was.
  [[nodiscard]] bool push(Owner& message) {
    base::MutexLock lock(&mutex_);
    if (closed_) return false;
    *end_ = message.release();
    end_ = &(*end_)->next_;
    ++size_;
    return true;
  }
  // The oldest, or null.
  Owner pop() {
    base::MutexLock lock(&mutex_);
    Message<T>* oldest = first_;
    if (oldest == nullptr) return nullptr;
    first_ = oldest->next_;
    if (first_ == nullptr) end_ = &first_;
    --size_;
    return Owner(oldest);
  }
  // Nothing more is pushed.
  void close() {
    base::MutexLock lock(&mutex_);
    closed_ = true;
  }

  bool is_closed() const {
    base::MutexLock lock(&mutex_);
    return closed_;
  }
  std::size_t size() const {
    base::MutexLock lock(&mutex_);
    return size_;
  }

 private:
  mutable base::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  Message<T>* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Message<T>** end_ ABSL_GUARDED_BY(mutex_) = &first_;
  std::size_t size_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace eddy::sync::mpmc

#endif  // EDDY_SYNC_MPMC_QUEUE_H_
