// StepAwaiter: co_await of a future that is often ready at once: its output
// does not go through a Poll, and its first look is inlined.
//
// The future has `bool step(Context&) noexcept`, true once it is ready, and
// then `Output take()`; and
//
//   auto await_in(task::PromiseBase& frame) {
//     return StepAwaiter<ThisFuture>(*this, frame);
//   }
//
// Threads: of the task. Owner: in its frame, as is the future.
#ifndef EDDY_SYNC_STEP_AWAITER_H_
#define EDDY_SYNC_STEP_AWAITER_H_

#include <coroutine>

#include "runtime/task/cursor.h"
#include "runtime/task/future.h"

namespace eddy::sync {

template <class F>
class StepAwaiter : private task::Suspension {
 public:
  StepAwaiter(F& future, task::PromiseBase& frame)
      : Suspension(&StepAwaiter::poll_leaf, frame), future_(future) {}
  StepAwaiter(const StepAwaiter&) = delete;
  StepAwaiter& operator=(const StepAwaiter&) = delete;

  [[gnu::always_inline]] bool await_ready() noexcept {
    return future_.step(frame->context());
  }
  void await_suspend(std::coroutine_handle<>) noexcept {
    frame->cursor().wait_at(*this);
  }
  auto await_resume() { return future_.take(); }

 private:
  static bool poll_leaf(Suspension& suspension, Context& cx) noexcept {
    return static_cast<StepAwaiter&>(suspension).future_.step(cx);
  }

  F& future_;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_STEP_AWAITER_H_
