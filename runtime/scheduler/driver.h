// Driver: what the holder of the reactor role does: waits for events and
// deadlines, and makes futures ready.
//
// While the clock is paused it waits for events alone; when nothing can run any
// more it moves the clock to the next deadline. Whoever goes idle then calls
// wake(), so that it looks.
//
// Threads: turn() by the holder of the role, wake() by any.
// Owner:   the runtime's core.
#ifndef EDDY_RUNTIME_SCHEDULER_DRIVER_H_
#define EDDY_RUNTIME_SCHEDULER_DRIVER_H_

#include "reactor/reactor.h"
#include "runtime/time/clock.h"
#include "runtime/time/timers.h"

namespace eddy::scheduler {

class Flavor;

class Driver {
 public:
  Driver(reactor::Reactor& reactor, time::Timers& timers)
      : reactor_(reactor), timers_(timers) {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // kBriefly: for a millisecond at most; the holder has to look after other
  // things too.
  enum class Wait { kNone, kBriefly, kForEvents };
  void turn(Wait wait, const Flavor& flavor);

  // Ends the turn() in progress, or the next one.
  void wake() { reactor_.wake(); }

  // A thread went idle: it matters only while the clock is paused.
  void on_idle() {
    if (timers_.clock().is_paused()) wake();
  }

 private:
  void wait_paused(const Flavor& flavor);
  void fire();

  reactor::Reactor& reactor_;
  time::Timers& timers_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_DRIVER_H_
