#include "runtime/base/stack_trace.h"

#include <unwind.h>

namespace eddy::base {
namespace {

struct Walk {
  std::span<StackTrace::Frame> into;
  std::size_t count = 0;
  bool past_signal = false;
};

// The unwinder says which frame a signal came to: its address is exact. What is
// inside of that one is the handler's.
_Unwind_Reason_Code visit(_Unwind_Context* context, void* argument) {
  Walk& walk = *static_cast<Walk*>(argument);
  int is_exact = 0;
  const uintptr_t pc = _Unwind_GetIPInfo(context, &is_exact);
  const bool is_interrupted = is_exact != 0 && !walk.past_signal;
  if (is_interrupted) {
    walk.past_signal = true;
    walk.count = 0;
  }
  if (pc == 0 || walk.count == walk.into.size()) return _URC_END_OF_STACK;
  walk.into[walk.count++] = {.pc = pc, .is_interrupted = is_interrupted};
  return _URC_NO_REASON;
}

}  // namespace

void StackTrace::capture() noexcept {
  Walk walk{.into = frames_};
  (void)_Unwind_Backtrace(visit, &walk);
  count_ = walk.count;
}

uintptr_t StackTrace::function_of(Frame frame) noexcept {
  // It looks at the byte before what it is given.
  return reinterpret_cast<uintptr_t>(_Unwind_FindEnclosingFunction(
      reinterpret_cast<void*>(frame.inside() + 1)));
}

}  // namespace eddy::base
