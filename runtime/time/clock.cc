#include "runtime/time/clock.h"

#include <algorithm>
#include <cerrno>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"

namespace eddy::time {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;

// What a word can hold: some 146 years.
constexpr Duration kLatest(INT64_MAX / 2);

Instant read_system(clockid_t clock) {
  timespec now;
  while (base::sys().clock_gettime(clock, &now) != 0) {
    EDDY_CHECK(errno == EINTR, "the kernel has no monotonic clock");
  }
  return Instant(seconds(now.tv_sec) + nanoseconds(now.tv_nsec));
}

}  // namespace

Instant Clock::system_now() { return read_system(CLOCK_MONOTONIC); }

Instant Clock::system_recent() { return read_system(CLOCK_MONOTONIC_COARSE); }

// word_ is loaded relaxed where the mutex is held: it orders the changes.

void Clock::pause() {
  base::MutexLock lock(&mutex_);
  const int64_t word = word_.load(kRelaxed);
  if ((word & kPaused) != 0) return;
  const Duration since = system_now() - Duration(word >> 1) - origin_;
  const Duration at = std::chrono::ceil<milliseconds>(since);
  word_.store(at.count() << 1 | kPaused, kRelease);  // [clock]
}

void Clock::resume() {
  base::MutexLock lock(&mutex_);
  const int64_t word = word_.load(kRelaxed);
  if ((word & kPaused) == 0) return;
  const Duration behind = system_now() - (origin_ + Duration(word >> 1));
  word_.store(behind.count() * 2, kRelease);  // [clock]
}

void Clock::advance_to(Instant instant) {
  base::MutexLock lock(&mutex_);
  const int64_t word = word_.load(kRelaxed);
  EDDY_CHECK((word & kPaused) != 0,
             "advance() of a clock that runs: call pause() first");
  if (instant <= origin_ + Duration(word >> 1)) return;
  const Duration at = std::min(instant - origin_, kLatest);
  word_.store(at.count() << 1 | kPaused, kRelease);  // [clock]
}

}  // namespace eddy::time
