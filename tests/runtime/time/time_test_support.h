// A runtime's clock and timers without the runtime: what a test of futures that
// wait for a time needs around it.
//
//   TimeEnvironment time;                 // paused
//   Sleep sleep = time::sleep(5ms);
//   EXPECT_TRUE(sleep.poll(waker.context()).is_pending());
//   time.advance(5ms);                    // fires
//   EXPECT_EQ(waker.wakes(), 1);
//
// Threads: of the thread that made it; others Enter(time.current()).
#ifndef EDDY_TESTS_RUNTIME_TIME_TIME_TEST_SUPPORT_H_
#define EDDY_TESTS_RUNTIME_TIME_TIME_TEST_SUPPORT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/time/clock.h"
#include "runtime/time/timers.h"

namespace eddy::testing {

class TimeEnvironment {
 public:
  explicit TimeEnvironment(size_t shards = 1)
      : timers_(std::in_place, shards, clock_,
                [this] { alarms_.fetch_add(1, std::memory_order_relaxed); }),
        services_{nobody<task::Scheduler>(), nobody<reactor::Reactor>(),
                  *timers_, nobody<blocking::Pool>()},
        enter_(current(0)) {
    clock_.pause();
  }

  context::Current current(uint32_t shard) {
    context::Current current;
    current.services = &services_;
    current.shard = shard;
    return current;
  }

  time::Clock& clock() { return clock_; }
  time::Timers& timers() { return *timers_; }
  int alarms() const { return alarms_.load(std::memory_order_relaxed); }

  // Moves the clock, and fires what is due then. Returns how much that was.
  size_t advance(time::Duration duration) {
    timers_->advance(duration);
    return timers_->fire(clock_.now());
  }

  // The runtime ends, before what it served.
  void destroy_timers() { timers_.reset(); }

 private:
  // A part of the runtime that no time future may touch.
  template <class Part>
  static Part& nobody() {
    alignas(64) static std::byte place[64];
    return reinterpret_cast<Part&>(place);
  }

  std::atomic<int> alarms_{0};
  time::Clock clock_;
  std::optional<time::Timers> timers_;
  context::Services services_;
  context::Enter enter_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_RUNTIME_TIME_TIME_TEST_SUPPORT_H_
