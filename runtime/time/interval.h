// Interval: ticks at equal distances.
//
//   auto every = eddy::time::interval(100ms);
//   for (;;) {
//     co_await every.tick();  // the first time at once
//     report();
//   }
//
// What happens after a tick that came late, because its task was busy:
//
//   period 10, tick 1 was taken at 10, tick 2 only at 35
//   kBurst  the others follow at once until all are made up for: 35 35 40 50
//   kDelay  begins anew from the late one:                       35 45 55 65
//   kSkip   leaves out what was missed:                          35 40 50 60
//
// A tick that is late by up to 5 ms is not late for kDelay: timers are rounded.
//
// Threads: belongs to one task.
// Cancel:  dropping a tick() loses no tick.
// Errors:  a period of zero or less is misuse.
// Owner:   a Tick borrows the Interval, which may be moved while there is none.
#ifndef EDDY_RUNTIME_TIME_INTERVAL_H_
#define EDDY_RUNTIME_TIME_INTERVAL_H_

#include <chrono>
#include <cstdint>
#include <utility>

#include "runtime/task/future.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"

namespace eddy::time {

enum class MissedTickBehavior : uint8_t { kBurst, kDelay, kSkip };

// When the tick after the one of `scheduled` is due, which was taken at `now`.
Instant next_tick(Instant scheduled, Instant now, Duration period,
                  MissedTickBehavior behavior);

class Interval {
 public:
  class Tick;

  // The first tick is at `start`.
  explicit Interval(Instant start, Duration period);

  // Gives the time for which the tick was scheduled.
  Tick tick();

  Duration period() const { return period_; }
  MissedTickBehavior missed_tick_behavior() const { return behavior_; }
  void set_missed_tick_behavior(MissedTickBehavior behavior) {
    behavior_ = behavior;
  }

  // The next tick comes a period from now; or now; or at a given time.
  void reset() { reset_at(saturating_add(now(), period_)); }
  void reset_immediately() { reset_at(now()); }
  void reset_at(Instant instant) { sleep_.reset(instant); }

 private:
  Poll<Instant> poll_tick(Context& cx);

  Sleep sleep_;
  Duration period_;
  MissedTickBehavior behavior_ = MissedTickBehavior::kBurst;
};

// A Future of Instant.
class [[nodiscard]] Interval::Tick {
 public:
  using Output = Instant;

  explicit Tick(Interval& interval) : interval_(&interval) {}
  Tick(Tick&& other) noexcept
      : interval_(std::exchange(other.interval_, nullptr)) {}
  Tick& operator=(Tick&&) = delete;
  ~Tick() {
    if (interval_ != nullptr) interval_->sleep_.cancel();
  }

  Poll<Instant> poll(Context& cx) { return interval_->poll_tick(cx); }

 private:
  Interval* interval_;  // null: moved from
};

inline Interval::Tick Interval::tick() { return Tick(*this); }

// The first tick is at once, or at `start`.
template <class Rep, class Period>
Interval interval_at(Instant start, std::chrono::duration<Rep, Period> period) {
  return Interval(start, saturating_cast(period));
}
template <class Rep, class Period>
Interval interval(std::chrono::duration<Rep, Period> period) {
  return interval_at(now(), period);
}

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_INTERVAL_H_
