// ConnectionCount: how many connections are open, and a future for "none".
//
//   ConnectionCount::Slot slot(count);  // made when one is accepted, and kept
//                                       // by its task
//   co_await count.none();
//
// Threads: any; one task at a time waits in none().
// Owner:   outlives the None; Slots share it.
#ifndef EDDY_EXAMPLES_HTTP_CONNECTION_COUNT_H_
#define EDDY_EXAMPLES_HTTP_CONNECTION_COUNT_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "runtime/task/waker.h"

namespace eddy::examples::http {

class ConnectionCount {
 public:
  class None;  // a Future of void

  // One connection, from its making until its end.
  class Slot {
   public:
    explicit Slot(std::shared_ptr<ConnectionCount> count)
        : count_(std::move(count)) {
      count_->add();
    }
    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (count_ != nullptr) count_->remove();
    }

   private:
    std::shared_ptr<ConnectionCount> count_;  // null: moved from
  };

  // Ready while no connection is open.
  None none();

 private:
  void add() {
    base::MutexLock lock(&mutex_);
    ++open_;
  }
  void remove() {
    Waker waker;
    {
      base::MutexLock lock(&mutex_);
      if (--open_ == 0) std::swap(waker, waker_);
    }
    std::move(waker).wake();
  }

  base::Mutex mutex_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  Waker waker_ ABSL_GUARDED_BY(mutex_);
};

class [[nodiscard]] ConnectionCount::None {
 public:
  using Output = void;

  explicit None(ConnectionCount& count) : count_(count) {}

  Poll<void> poll(Context& cx) {
    Waker waker = cx.waker();
    base::MutexLock lock(&count_.mutex_);
    if (count_.open_ == 0) return kReady;
    std::swap(waker, count_.waker_);
    return kPending;
  }

 private:
  ConnectionCount& count_;
};

inline ConnectionCount::None ConnectionCount::none() { return None(*this); }

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_CONNECTION_COUNT_H_
