// Stop: a one-shot signal that many tasks wait for at all times.
//
//   Stop::Wait stopped = stop.wait();  // once per connection
//   for (;;) {
//     auto first = co_await eddy::select_biased(stopped, stream.read(buffer));
//     if (first.index() == 0) break;
//   }
//
// A Wait stays in the list from its first poll to its end, so that a connection
// pays for it once, and not for each read.
//
// Threads: wait() and set() by any; a Wait belongs to one task.
// Cancel:  destroying a Wait unlinks it.
// Owner:   a Stop outlives its Waits and every set() in progress.
#ifndef EDDY_EXAMPLES_HTTP_STOP_H_
#define EDDY_EXAMPLES_HTTP_STOP_H_

#include <atomic>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "runtime/task/waker.h"

namespace eddy::examples::http {

class Stop {
 public:
  class Wait;  // a Future of void

  Stop() = default;
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;

  Wait wait();
  void set();
  bool is_set() const {
    return set_.load(std::memory_order_acquire);  // [stop]
  }

 private:
  std::atomic<bool> set_{false};
  base::Mutex mutex_;
  Wait* head_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

class [[nodiscard]] Stop::Wait {
 public:
  using Output = void;

  explicit Wait(Stop& stop) : stop_(stop) {}
  Wait(const Wait&) = delete;  // its address is in the list
  Wait& operator=(const Wait&) = delete;
  ~Wait();

  Poll<void> poll(Context& cx);

 private:
  friend class Stop;

  void link(Waker& waker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stop_.mutex_);

  Stop& stop_;
  bool is_linked_ = false;  // this task's alone
  // Written under stop_.mutex_ by this task alone, which may therefore read it
  // without; set() copies it.
  Waker waker_;
  // Neighbours write them too, under stop_.mutex_:
  Wait** slot_ = nullptr;  // the pointer that points at us
  Wait* next_ = nullptr;
};

inline Stop::Wait Stop::wait() { return Wait(*this); }

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_STOP_H_
