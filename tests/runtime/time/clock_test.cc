#include "runtime/time/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/support/fault_injector.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;

TEST(Clock, FollowsTheSystem) {
  Clock clock;
  const Instant before = Clock::system_now();
  const Instant now = clock.now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, Clock::system_now());
  EXPECT_FALSE(clock.is_paused());
}

TEST(Clock, RecentIsNeverAhead) {
  Clock clock;
  for (const Instant end = clock.now() + 20ms; clock.now() < end;) {
    const Instant recent = clock.recent();
    ASSERT_LE(recent, clock.now());
  }
  clock.pause();
  EXPECT_EQ(clock.recent(), clock.now());
  clock.resume();
  EXPECT_LE(clock.recent(), clock.now());
}

TEST(Clock, PausedStandsStillOnAWholeMillisecond) {
  Clock clock;
  const Instant before = clock.now();
  clock.pause();
  const Instant paused = clock.now();
  EXPECT_TRUE(clock.is_paused());
  EXPECT_GE(paused, before);
  EXPECT_EQ((paused - clock.origin()) % 1ms, 0ns);
  const Instant end = Clock::system_now() + 5ms;
  while (Clock::system_now() < end) EXPECT_EQ(clock.now(), paused);
  clock.pause();  // once more
  EXPECT_EQ(clock.now(), paused);
}

TEST(Clock, AdvancesButNeverBack) {
  Clock clock;
  clock.pause();
  const Instant start = clock.now();
  clock.advance_to(start + 1h);
  EXPECT_EQ(clock.now(), start + 1h);
  clock.advance_to(start);
  EXPECT_EQ(clock.now(), start + 1h);
}

// G1
TEST(Clock, AdvancingToTheEndOfTimeDoesNotOverflow) {
  Clock clock;
  clock.pause();
  clock.advance_to(Instant::max());
  EXPECT_GT(clock.now() - clock.origin(), 24h * 365 * 100);
  clock.resume();
  EXPECT_GT(clock.now() - clock.origin(), 24h * 365 * 100);
}

TEST(Clock, ResumesFromWhereItStood) {
  Clock clock;
  clock.pause();
  const Instant start = clock.now();
  clock.advance_to(start + 1h);
  clock.resume();
  EXPECT_FALSE(clock.is_paused());
  const Instant resumed = clock.now();
  EXPECT_GE(resumed, start + 1h);
  EXPECT_LT(resumed, start + 2h);
  clock.resume();  // without effect
  EXPECT_GE(clock.now(), resumed);
}

TEST(ClockDeathTest, AdvancingARunningClockNamesTheRemedy) {
  Clock clock;
  EXPECT_DEATH(clock.advance_to(clock.now() + 1h), "call pause\\(\\) first");
}

// A4
TEST(Clock, InterruptedReadingIsRepeated) {
  testing::FaultInjector faults;
  faults.fail(testing::Call::kClockGettime, testing::every(2), EINTR);
  const Instant before = Clock::system_now();
  EXPECT_LE(before, Clock::system_now());
}

// Property: no thread sees time go back while others pause and resume.
TEST(Clock, IsMonotonicWhilePausedAndResumed) {
  Clock clock;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    Instant last = clock.now();
    while (!done.load(std::memory_order_relaxed)) {
      const Instant now = clock.now();
      ASSERT_GE(now, last);
      last = now;
    }
  });
  for (int i = 0; i < 2'000; ++i) {
    clock.pause();
    clock.advance_to(clock.now() + 100us);
    clock.resume();
  }
  done.store(true, std::memory_order_relaxed);
  reader.join();
}

// G1
static_assert(saturating_add(Instant::max(), 1ns) == Instant::max());
static_assert(saturating_add(Instant(1ns), Duration::max()) == Instant::max());
static_assert(saturating_add(Instant::min(), -1ns) == Instant::min());
static_assert(saturating_add(Instant(-1ns), Duration::min()) == Instant::min());
static_assert(saturating_add(Instant(5ns), -3ns) == Instant(2ns));

static_assert(saturating_sub(Instant::max(), Instant::min()) ==
              Duration::max());
static_assert(saturating_sub(Instant::min(), Instant(1ns)) == Duration::min());
static_assert(saturating_sub(Instant(2ns), Instant(5ns)) == -3ns);

static_assert(saturating_cast(std::chrono::hours::max()) == Duration::max());
static_assert(saturating_cast(std::chrono::hours::min()) == Duration::min());
static_assert(saturating_cast(std::chrono::seconds::max()) == Duration::max());
static_assert(saturating_cast(std::chrono::duration<double>(1e300)) ==
              Duration::max());
static_assert(saturating_cast(3ms) == 3'000'000ns);
static_assert(saturating_cast(std::chrono::duration<double, std::nano>(0.5)) ==
              1ns);

}  // namespace
}  // namespace eddy::time
