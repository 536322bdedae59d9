// yield_now(): lets the other runnable tasks have their turn.
//
//   while (more()) {
//     work();
//     co_await eddy::yield_now();
//   }
//
// Threads: belongs to one task.
// Cancel:  nothing to undo.
// Errors:  none.
#ifndef EDDY_RUNTIME_TASK_YIELD_H_
#define EDDY_RUNTIME_TASK_YIELD_H_

#include <coroutine>
#include <utility>

#include "runtime/task/context.h"
#include "runtime/task/cursor.h"
#include "runtime/task/poll.h"

namespace eddy {

namespace task {

// co_await of a YieldNow, which needs no Poll: it is pending once.
class YieldAwaiter : private Suspension {
 public:
  YieldAwaiter(PromiseBase& frame, bool has_yielded)
      : Suspension(&YieldAwaiter::is_over, frame), has_yielded_(has_yielded) {}
  YieldAwaiter(const YieldAwaiter&) = delete;
  YieldAwaiter& operator=(const YieldAwaiter&) = delete;

  bool await_ready() noexcept { return has_yielded_; }
  void await_suspend(std::coroutine_handle<>) noexcept {
    frame->context().request_wake();
    frame->cursor().wait_at(*this);
  }
  void await_resume() noexcept {}

 private:
  static bool is_over(Suspension&, Context&) noexcept { return true; }

  const bool has_yielded_;
};

}  // namespace task

class [[nodiscard]] YieldNow {
 public:
  using Output = void;

  YieldNow() {}

  Poll<void> poll(Context& cx) {
    if (yielded_) return kReady;
    yielded_ = true;
    return cx.yield();
  }
  auto await_in(task::PromiseBase& frame) {
    return task::YieldAwaiter(frame, std::exchange(yielded_, true));
  }

 private:
  bool yielded_ = false;
};

inline YieldNow yield_now() { return YieldNow(); }

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_YIELD_H_
