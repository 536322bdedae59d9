#include "runtime/time/sleep.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/task/task.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/allocations.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

TEST(Sleep, IsReadyAtItsDeadlineAndNotBefore) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  EXPECT_EQ(nap.deadline(), now() + 5ms);
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  time.advance(4ms);
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  EXPECT_FALSE(nap.is_elapsed());
  time.advance(1ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(nap.is_elapsed());
  EXPECT_TRUE(nap.poll(waker.context()).is_ready());
}

TEST(Sleep, OfZeroOrAPastDeadlineIsReadyAtOnce) {
  TimeEnvironment time;
  WakeCounter waker;
  EXPECT_TRUE(sleep(0ms).poll(waker.context()).is_ready());
  EXPECT_TRUE(sleep(-1h).poll(waker.context()).is_ready());
  EXPECT_TRUE(sleep_until(now()).poll(waker.context()).is_ready());
  EXPECT_TRUE(sleep_until(Instant::min()).poll(waker.context()).is_ready());
  EXPECT_EQ(time.timers().next_deadline(), std::nullopt);
}

// A timer costs nothing beyond its future, and that is one cache line.
static_assert(sizeof(Sleep) <= 64);

// G1
TEST(Sleep, AMillionAtOnceAllocateNothing) {
  constexpr int kCount = 1'000'000;
  TimeEnvironment time;
  WakeCounter waker;
  std::deque<Sleep> sleeps;
  for (int i = 0; i < kCount; ++i) {
    sleeps.push_back(sleep(std::chrono::milliseconds(1 + i % 1000)));
  }
  const int64_t before = testing::allocated_bytes();
  for (Sleep& each : sleeps) {
    ASSERT_TRUE(each.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(testing::allocated_bytes(), before);
  EXPECT_EQ(time.advance(500ms), kCount / 2u);
  while (!sleeps.empty()) sleeps.pop_front();
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// What has passed is seen at once on a clock that runs as well.
TEST(Sleep, OfAPastDeadlineIsReadyAtOnce) {
  TimeEnvironment time;
  WakeCounter waker;
  time.clock().resume();
  for (Duration ago : {0ms, 1ms, 15ms, 50ms}) {
    EXPECT_TRUE(sleep_until(now() - ago).poll(waker.context()).is_ready());
  }
  EXPECT_TRUE(sleep(1h).poll(waker.context()).is_pending());
}

// G1
TEST(Sleep, OfTheLongestDurationIsNoOverflow) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep never = sleep(std::chrono::hours::max());
  EXPECT_EQ(never.deadline(), Instant::max());
  EXPECT_TRUE(never.poll(waker.context()).is_pending());
  time.advance(24h * 36500);
  EXPECT_TRUE(never.poll(waker.context()).is_pending());
  EXPECT_TRUE(
      sleep(std::chrono::hours::min()).poll(waker.context()).is_ready());
}

TEST(Sleep, DroppedAtAnyStageIsNotWoken) {
  TimeEnvironment time;
  WakeCounter waker;
  {
    Sleep unpolled = sleep(5ms);
  }
  {
    Sleep pending = sleep(5ms);
    EXPECT_TRUE(pending.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  time.advance(5ms);
  EXPECT_EQ(waker.wakes(), 0);
  {
    Sleep fired = sleep(5ms);
    EXPECT_TRUE(fired.poll(waker.context()).is_pending());
    time.advance(5ms);
  }
  EXPECT_EQ(waker.wakes(), 1);
}

TEST(Sleep, UnpolledSleepRegistersNothing) {
  TimeEnvironment time;
  Sleep unpolled = sleep(5ms);
  EXPECT_EQ(time.timers().next_deadline(), std::nullopt);
}

// D5
TEST(Sleep, AThousandSpuriousPollsChangeNothing) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 1);
  time.advance(5ms);
  EXPECT_EQ(waker.wakes(), 1);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(nap.poll(waker.context()).is_ready());
  }
}

TEST(Sleep, ResetBeginsAnew) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  nap.reset(now() + 6ms);  // unpolled
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  nap.reset(now() + 10ms);  // pending
  time.advance(6ms);
  EXPECT_EQ(waker.wakes(), 0);
  time.advance(4ms);
  EXPECT_EQ(waker.wakes(), 1);
  nap.reset(now() + 5ms);  // fired, and nobody has looked
  EXPECT_FALSE(nap.is_elapsed());
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_TRUE(nap.poll(waker.context()).is_ready());
  nap.reset(now() + 5ms);  // over
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  nap.reset(now() - 1h);  // into the past
  time.advance(0ms);
  EXPECT_EQ(waker.wakes(), 3);
}

// G1
TEST(Sleep, ResetStormWakesOnce) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep idle = sleep(30s);
  EXPECT_TRUE(idle.poll(waker.context()).is_pending());
  for (int i = 0; i < 100'000; ++i) {
    time.advance(1ms);
    idle.reset(now() + 30s);
  }
  EXPECT_EQ(waker.wakes(), 0);
  time.advance(30s);
  EXPECT_EQ(waker.wakes(), 1);
}

TEST(Sleep, MovesWhileNobodyWaits) {
  TimeEnvironment time;
  WakeCounter waker;
  std::vector<Sleep> naps;
  naps.push_back(sleep(5ms));
  EXPECT_TRUE(naps[0].poll(waker.context()).is_pending());
  time.advance(5ms);
  Sleep moved = std::move(naps[0]);
  EXPECT_TRUE(moved.is_elapsed());
  EXPECT_TRUE(moved.poll(waker.context()).is_ready());
}

TEST(SleepDeathTest, MovedWhilePendingFailsLoudly) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  EXPECT_DEATH(Sleep moved = std::move(nap), "moved while it is pending");
}

TEST(SleepDeathTest, PolledOutsideOfARuntimeNamesTheRemedy) {
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  EXPECT_DEATH((void)nap.poll(waker.context()), "outside of a runtime");
}

// H1: a loop over times that have passed lets others run.
TEST(Sleep, SpendsTheBudget) {
  TimeEnvironment time;
  WakeCounter waker;
  Context& cx = waker.context(/*budget=*/1);
  EXPECT_TRUE(sleep(0ms).poll(cx).is_ready());
  EXPECT_FALSE(cx.has_budget());
  Sleep over = sleep(0ms);
  EXPECT_TRUE(over.poll(cx).is_pending());
  time.advance(0ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(over.poll(cx).is_ready());
  EXPECT_TRUE(over.poll(cx).is_pending()) << "said it once";
  EXPECT_TRUE(cx.wake_requested());
}

// A neighbour in a select() that always spends the budget keeps no timer back.
TEST(Sleep, IsReadyAfterItsTimeWithoutBudget) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(5ms);
  EXPECT_TRUE(nap.poll(waker.context(/*budget=*/0)).is_pending());
  time.advance(5ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(nap.poll(waker.context(/*budget=*/0)).is_ready());
}

// F1
TEST(Sleep, OutlivesTheRuntime) {
  TimeEnvironment time;
  WakeCounter waker;
  Sleep nap = sleep(1h);
  EXPECT_TRUE(nap.poll(waker.context()).is_pending());
  time.destroy_timers();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(nap.poll(waker.context()).is_ready());
}

// D5: woken inside of the poll that registers.
TEST(Sleep, FiredByTheAlarmInsideOfPoll) {
  Clock clock;
  clock.pause();
  std::optional<Timers> timers;
  timers.emplace(1, clock, [&] {
    clock.advance_to(clock.now() + 1h);
    timers->fire(clock.now());
  });
  WakeCounter waker;
  Timer timer;
  (void)timers->prepare_sleep();
  EXPECT_TRUE(timers->poll(timer, clock.now() + 5ms, waker.waker()));
  EXPECT_EQ(waker.wakes(), 1);
}

Task<int> nap_twice() {
  co_await sleep(5ms);
  co_await sleep_until(now() + 5ms);
  co_return 42;
}

// The trap of GCC 12: a temporary in a co_await expression.
TEST(Sleep, IsATemporaryInCoAwait) {
  TimeEnvironment time;
  WakeCounter waker;
  Task<int> task = nap_twice();
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_EQ(*task.poll(waker.context()), 42);
}

// G2: sleeps end in the order of their deadlines, exactly on time.
TEST(Sleep, UnderAPausedClockTimeIsExact) {
  TimeEnvironment time;
  WakeCounter waker;
  const Instant start = now();
  Sleep hour = sleep(1h), day = sleep(24h), tick = sleep(1ms);
  for (Sleep* nap : {&hour, &day, &tick}) {
    EXPECT_TRUE(nap->poll(waker.context()).is_pending());
  }
  for (Duration due : {Duration(1ms), Duration(1h), Duration(24h)}) {
    const Instant next = *time.timers().next_deadline();
    EXPECT_EQ(next, start + due);
    time.clock().advance_to(next);
    EXPECT_EQ(time.timers().fire(next), 1u);
  }
}

}  // namespace
}  // namespace eddy::time
