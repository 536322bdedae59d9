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

#include "runtime/task/context.h"
#include "runtime/task/poll.h"

namespace eddy {

class [[nodiscard]] YieldNow {
 public:
  using Output = void;

  YieldNow() {}

  Poll<void> poll(Context& cx) {
    if (yielded_) return kReady;
    yielded_ = true;
    return cx.yield();
  }

 private:
  bool yielded_ = false;
};

inline YieldNow yield_now() { return YieldNow(); }

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_YIELD_H_
