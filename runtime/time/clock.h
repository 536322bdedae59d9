// Clock: what time it is for one runtime. It follows CLOCK_MONOTONIC until it
// is paused; then it stands still, and moves only when it is told to.
//
//   Clock clock;
//   clock.pause();
//   Instant start = clock.now();
//   clock.advance_to(start + std::chrono::hours(1));
//   assert(clock.now() == start + std::chrono::hours(1));
//
// A clock never goes back: resume() goes on from the time that it stood at. It
// is paused on a whole millisecond since its origin, so that under a paused
// clock a sleep of whole milliseconds ends exactly on its deadline.
//
// Threads: any. now() is one load and one reading of the system's clock.
// Errors:  advance_to() of a clock that runs is misuse.
#ifndef EDDY_RUNTIME_TIME_CLOCK_H_
#define EDDY_RUNTIME_TIME_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "runtime/base/mutex.h"

namespace eddy::time {

// A point in time. Deadlines saturate: max() is never.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

// `start + duration`, or what is nearest to it that an Instant can say.
constexpr Instant saturating_add(Instant start, Duration duration) {
  const Duration since = start.time_since_epoch();
  if (duration >= Duration::zero()) {
    return since > Duration::max() - duration ? Instant::max()
                                              : start + duration;
  }
  return since < Duration::min() - duration ? Instant::min() : start + duration;
}

// `end - start`, or what is nearest to it that a Duration can say.
constexpr Duration saturating_sub(Instant end, Instant start) {
  int64_t between;
  if (__builtin_sub_overflow(end.time_since_epoch().count(),
                             start.time_since_epoch().count(), &between)) {
    return end > start ? Duration::max() : Duration::min();
  }
  return Duration(between);
}

// Any std::chrono duration in nanoseconds. What does not fit saturates; a part
// of a nanosecond counts as a whole one, so that no sleep is short.
template <class Rep, class Period>
constexpr Duration saturating_cast(std::chrono::duration<Rep, Period> d) {
  using Wide = std::chrono::duration<long double, std::nano>;
  const Wide wide = d;
  if (wide >= Wide(Duration::max())) return Duration::max();
  if (wide <= Wide(Duration::min())) return Duration::min();
  return std::chrono::ceil<Duration>(d);
}
constexpr Duration saturating_cast(Duration d) { return d; }

class Clock {
 public:
  Clock() : origin_(system_now()), word_(0) {}
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // The system's monotonic clock; and what it was at the kernel's last tick.
  static Instant system_now();
  static Instant system_recent();

  Instant now() const { return read(&system_now); }
  // A time that is over, some milliseconds before now(), for a tenth of the
  // price: it tells what is certainly over. While paused, now().
  Instant recent() const { return read(&system_recent); }

  // When the clock was made: where its runtime begins to count milliseconds.
  Instant origin() const { return origin_; }

  // [clock] acquire: who sees the clock paused, or running again, sees what was
  // written before.
  bool is_paused() const {
    return (word_.load(std::memory_order_acquire) & kPaused) != 0;
  }

  // Without effect on a clock that is paused already, or runs.
  void pause();
  void resume();

  // Moves a paused clock on. Without effect if `instant` is not ahead.
  void advance_to(Instant instant);

 private:
  // word_ is twice a number of nanoseconds, and this bit. Paused: the time, in
  // nanoseconds since origin_. Running: how far behind the system's clock.
  static constexpr int64_t kPaused = 1;

  Instant read(Instant (*system)()) const;

  const Instant origin_;
  base::Mutex mutex_;  // of those who change word_
  std::atomic<int64_t> word_;
};

inline Instant Clock::read(Instant (*system)()) const {
  for (int64_t word = word_.load(std::memory_order_acquire);;) {
    if ((word & kPaused) != 0) return origin_ + Duration(word >> 1);
    const Instant now = system() - Duration(word >> 1);
    // If the clock was paused and went on in between, `now` is ahead of it.
    const int64_t after = word_.load(std::memory_order_acquire);
    if (after == word) return now;
    word = after;
  }
}

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_CLOCK_H_
