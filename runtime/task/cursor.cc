#include "runtime/task/cursor.h"

#include <utility>

#include "runtime/base/check.h"

namespace eddy::task {

void PromiseBase::throw_leaf_error() {
  std::rethrow_exception(std::exchange(error_, nullptr));
}

bool PromiseBase::first_run(Context& cx) {
  return start(cx) || continue_start();
}

// The trampoline.
bool PromiseBase::go_on(PromiseBase& innermost) {
  const std::coroutine_handle<> root = handle();
  std::coroutine_handle<> next = innermost.handle();
  for (;;) {
    next.resume();
    if (root.done()) return true;
    // A leaf is here only after a poll of it that answered kPending.
    if (!own_.is_at_frame()) return false;
    next = own_.frame().handle();
  }
}

bool PromiseBase::call(CallSite& site) {
  cursor_ = &site.caller->cursor();
  caller_ = &site;
  auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here < context().stack_limit()) [[unlikely]] {
    cursor_->resume_at(*this);
    return false;
  }
  std::coroutine_handle<> self = handle();
  self.resume();
  return self.done();
}

// Not inlined: with it in the frames of those that hold tasks, as the arguments
// of fork_join(), fib took 370 ms and not 291.
void PromiseBase::destroy() noexcept {
  if (cursor_ == &own_ && !handle().done()) {
    PromiseBase* frame = &own_.frame();
    while (frame != this) {
      CallSite* site = frame->caller_;
      site->child = nullptr;
      PromiseBase* caller = site->caller;
      frame->handle().destroy();
      frame = caller;
    }
  }
  handle().destroy();
}

}  // namespace eddy::task
