#include "runtime/task/cursor.h"

#include <utility>

#include "runtime/base/check.h"

namespace eddy::task {

void PromiseBase::throw_leaf_error() {
  std::rethrow_exception(std::exchange(error_, nullptr));
}

bool PromiseBase::run(Context& cx) {
  if (!started()) return start(cx) || continue_start();
  EDDY_DCHECK(cursor_ == &own_, "a task that was co_awaited is polled");
  EDDY_DCHECK(!handle().done(), "a task is polled after it was ready");
  own_.set_context(cx);
  if (own_.is_at_frame()) return go_on();
  Suspension& leaf = *own_.leaf();
  if (!leaf.poll_leaf(leaf, cx)) return false;
  // The first round of go_on(), which knows less.
  const std::coroutine_handle<> root = handle();
  leaf.frame->handle().resume();
  if (root.done()) return true;
  return own_.is_at_frame() && go_on();
}

// The trampoline.
bool PromiseBase::go_on() {
  const std::coroutine_handle<> root = handle();
  for (;;) {
    own_.frame().handle().resume();
    if (root.done()) return true;
    // A leaf is here only after a poll of it that answered kPending.
    if (!own_.is_at_frame()) return false;
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
