// blocking_wait(): waits for a future on a thread that may block. What the
// blocking_*() calls of this folder are made of.
//
//   std::optional<int> next =
//       blocking_wait(receiver.recv(), "blocking_recv()");
//
// Threads: any but one that polls tasks: there it would stop them all.
// Errors:  on such a thread it is misuse, and names `what`.
#ifndef EDDY_SYNC_BLOCKING_WAIT_H_
#define EDDY_SYNC_BLOCKING_WAIT_H_

#include <memory>
#include <utility>

#include "runtime/task/future.h"

namespace eddy::sync {

// A thread that sleeps until its waker is called.
class BlockedThread {
 public:
  explicit BlockedThread(const char* what);
  BlockedThread(const BlockedThread&) = delete;
  BlockedThread& operator=(const BlockedThread&) = delete;

  const Waker& waker() const { return waker_; }
  void park();

 private:
  class Target;

  Target* target_;  // waker_ keeps it alive
  Waker waker_;
};

template <Future F>
OutputOf<F> blocking_wait(F&& future, const char* what) {
  BlockedThread thread(what);
  for (;;) {
    Context cx(thread.waker());
    Poll<OutputOf<F>> poll = future.poll(cx);
    if (poll.is_ready()) return *std::move(poll);
    if (!cx.wake_requested()) thread.park();
  }
}

}  // namespace eddy::sync

#endif  // EDDY_SYNC_BLOCKING_WAIT_H_
