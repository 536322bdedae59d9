// LocalTask<F>: a future that is polled and destroyed on one thread only. While
// it lives it ties the core of its current-thread scheduler to that thread.
//
// Threads: the one that made it.
// Errors:  made anywhere but on the thread that runs a current-thread runtime:
//          misuse.
#ifndef EDDY_RUNTIME_SCHEDULER_LOCAL_TASK_H_
#define EDDY_RUNTIME_SCHEDULER_LOCAL_TASK_H_

#include <utility>

#include "runtime/task/future.h"

namespace eddy::scheduler {

class CurrentThread;

// Ties the core of the scheduler around the caller to this thread.
class LocalTie {
 public:
  LocalTie();
  LocalTie(LocalTie&& other) noexcept
      : scheduler_(std::exchange(other.scheduler_, nullptr)) {}
  LocalTie& operator=(LocalTie&&) = delete;
  ~LocalTie();

 private:
  CurrentThread* scheduler_;
};

template <Future F>
class LocalTask {
 public:
  using Output = OutputOf<F>;

  explicit LocalTask(F future) : future_(std::move(future)) {}

  Poll<Output> poll(Context& cx) { return future_.poll(cx); }

 private:
  LocalTie tie_;  // outlives future_
  F future_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LOCAL_TASK_H_
