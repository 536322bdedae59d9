// Driver: what the holder of the reactor role does: waits for events and
// deadlines, and makes futures ready.
//
// Each reactor has one. The timers are with the first reactor's; the others
// wait for events alone.
//
// While the clock is paused it waits for events alone; when nothing can run any
// more it moves the clock to the next deadline. Whoever goes idle then calls
// wake(), so that it looks.
//
// Threads: turn() by the holder of the role, wake() by any.
// Owner:   the runtime's core.
#ifndef EDDY_RUNTIME_SCHEDULER_DRIVER_H_
#define EDDY_RUNTIME_SCHEDULER_DRIVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "reactor/reactor.h"
#include "runtime/time/clock.h"
#include "runtime/time/timers.h"

namespace eddy::scheduler {

class Flavor;

class Driver {
 public:
  // `timers`: null if another driver has them.
  Driver(reactor::Reactor& reactor, time::Timers* timers)
      : reactor_(reactor), timers_(timers) {}
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // kBriefly: for a millisecond at most, or for as long as it says; the holder
  // has to look after other things too.
  enum class Wait { kNone, kBriefly, kForEvents };
  static constexpr std::chrono::milliseconds kBrief{1};
  // A turn is a system call, so who has tasks takes one only when it has run
  // them for as long as this. (A turn after each 61 yields of 20 ns doubled the
  // time of a yield.)
  static constexpr std::chrono::microseconds kLeastInterval{30};
  // For so many events at most, so that there is room for what they wake.
  void turn(Wait wait, const Flavor& flavor, std::size_t at_most = SIZE_MAX,
            std::chrono::nanoseconds brief = kBrief);

  const reactor::Reactor& reactor() const { return reactor_; }

  // Ends the turn() in progress, or the next one.
  void wake() { reactor_.wake(); }

  // Hands over what tasks have put off until the next turn(): by a thread that
  // lost the role.
  void flush() { reactor_.flush(); }

  // A thread went idle: it matters only while the clock is paused, and to the
  // driver that has the timers.
  void on_idle() {
    if (timers_->clock().is_paused()) wake();
  }

 private:
  void wait_until_due(std::optional<time::Duration> timeout,
                      const Flavor& flavor, std::size_t at_most);
  void wait_paused(std::optional<time::Duration> timeout, const Flavor& flavor,
                   std::size_t at_most);
  void fire();

  reactor::Reactor& reactor_;
  time::Timers* const timers_;
};

// The first has the timers.
using Drivers = std::deque<Driver>;

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_DRIVER_H_
