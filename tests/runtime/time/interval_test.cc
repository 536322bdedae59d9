#include "runtime/time/interval.h"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <utility>
#include <vector>

#include "runtime/combinators/select.h"
#include "runtime/task/task.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

// The ticks that are ready now, in milliseconds since `start`.
std::vector<int64_t> take_ready(Interval& interval, Instant start) {
  WakeCounter waker;
  std::vector<int64_t> ticks;
  for (;;) {
    Poll<Instant> tick = interval.tick().poll(waker.context());
    if (tick.is_pending()) return ticks;
    ticks.push_back((*tick - start) / 1ms);
  }
}

// The ticks of an interval of 10 ms which is looked at after 0, 10, 35, 40, 45,
// 50, 55, 60 and 65 ms.
std::vector<int64_t> ticks_of_a_late_task(MissedTickBehavior behavior) {
  TimeEnvironment time;
  const Instant start = now();
  Interval every = interval(10ms);
  every.set_missed_tick_behavior(behavior);
  std::vector<int64_t> ticks = take_ready(every, start);
  for (Duration busy : {10ms, 25ms, 5ms, 5ms, 5ms, 5ms, 5ms, 5ms}) {
    time.advance(busy);
    for (int64_t tick : take_ready(every, start)) ticks.push_back(tick);
  }
  return ticks;
}

using Ticks = std::vector<int64_t>;

TEST(Interval, BurstMakesUpForMissedTicks) {
  EXPECT_EQ(ticks_of_a_late_task(MissedTickBehavior::kBurst),
            (Ticks{0, 10, 20, 30, 40, 50, 60}));
}

TEST(Interval, DelayBeginsAnewFromTheLateTick) {
  EXPECT_EQ(ticks_of_a_late_task(MissedTickBehavior::kDelay),
            (Ticks{0, 10, 20, 45, 55, 65}));
}

TEST(Interval, SkipLeavesOutMissedTicks) {
  EXPECT_EQ(ticks_of_a_late_task(MissedTickBehavior::kSkip),
            (Ticks{0, 10, 20, 40, 50, 60}));
}

TEST(Interval, DelayForgivesALittle) {
  const Instant start;
  EXPECT_EQ(next_tick(start, start + 5ms, 10ms, MissedTickBehavior::kDelay),
            start + 10ms);
  EXPECT_EQ(next_tick(start, start + 6ms, 10ms, MissedTickBehavior::kDelay),
            start + 16ms);
}

TEST(Interval, SkipStaysOnTheGrid) {
  const Instant start;
  auto next = [&](Duration now) {
    return next_tick(start, start + now, 10ms, MissedTickBehavior::kSkip) -
           start;
  };
  EXPECT_EQ(next(0ms), 10ms);
  EXPECT_EQ(next(9ms), 10ms);
  EXPECT_EQ(next(10ms), 20ms);
  EXPECT_EQ(next(11ms), 20ms);
  EXPECT_EQ(next(99ms), 100ms);
}

// G1
TEST(Interval, ExtremesDoNotOverflow) {
  TimeEnvironment time;
  WakeCounter waker;
  Interval never = interval_at(Instant::max(), 1ms);
  EXPECT_TRUE(never.tick().poll(waker.context()).is_pending());
  Interval once = interval(std::chrono::hours::max());
  EXPECT_TRUE(once.tick().poll(waker.context()).is_ready());
  EXPECT_TRUE(once.tick().poll(waker.context()).is_pending());
  Interval missed = interval_at(Instant::min(), 10ms);
  missed.set_missed_tick_behavior(MissedTickBehavior::kSkip);
  EXPECT_TRUE(missed.tick().poll(waker.context()).is_ready());
  EXPECT_TRUE(missed.tick().poll(waker.context()).is_pending());
}

TEST(Interval, StartsWhenToldTo) {
  TimeEnvironment time;
  const Instant start = now();
  Interval every = interval_at(start + 7ms, 10ms);
  EXPECT_EQ(take_ready(every, start), Ticks{});
  time.advance(7ms);
  EXPECT_EQ(take_ready(every, start), Ticks{7});
}

TEST(Interval, ResetChangesTheNextTick) {
  TimeEnvironment time;
  const Instant start = now();
  Interval every = interval(10ms);
  EXPECT_EQ(take_ready(every, start), Ticks{0});
  time.advance(4ms);
  every.reset();
  time.advance(9ms);
  EXPECT_EQ(take_ready(every, start), Ticks{});
  time.advance(1ms);
  EXPECT_EQ(take_ready(every, start), Ticks{14});
  every.reset_immediately();
  EXPECT_EQ(take_ready(every, start), Ticks{14});
  every.reset_at(start + 100ms);
  time.advance(1h);
  EXPECT_EQ(take_ready(every, start).front(), 100);
}

TEST(Interval, DroppedTickIsNotLost) {
  TimeEnvironment time;
  WakeCounter waker;
  const Instant start = now();
  Interval every = interval_at(start + 10ms, 10ms);
  {
    Interval::Tick tick = every.tick();
    EXPECT_TRUE(tick.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  time.advance(10ms);
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(take_ready(every, start), Ticks{10});
}

TEST(Interval, MovesBetweenTicks) {
  TimeEnvironment time;
  WakeCounter waker;
  const Instant start = now();
  Interval first = interval(10ms);
  EXPECT_EQ(take_ready(first, start), Ticks{0});
  Interval moved = std::move(first);
  time.advance(10ms);
  EXPECT_EQ(take_ready(moved, start), Ticks{10});
}

Task<int> count_ticks(Duration period, Duration limit) {
  Interval every = interval(period);
  Sleep end = sleep(limit);
  for (int ticks = 0;; ++ticks) {
    auto first = co_await eddy::select_biased(every.tick(), end);
    if (first.index() == 1) co_return ticks;
  }
}

TEST(Interval, TicksInASelect) {
  TimeEnvironment time;
  WakeCounter waker;
  Task<int> task = count_ticks(10ms, 95ms);
  for (;;) {
    Poll<int> ticks = task.poll(waker.context());
    if (ticks.is_ready()) {
      EXPECT_EQ(*ticks, 10);
      break;
    }
    time.clock().advance_to(*time.timers().next_deadline());
    EXPECT_EQ(time.timers().fire(time.clock().now()), 1u);
  }
}

TEST(IntervalDeathTest, PeriodOfZeroFailsLoudly) {
  TimeEnvironment time;
  EXPECT_DEATH((void)interval(0ms), "must be greater than zero");
  EXPECT_DEATH((void)interval(-1ms), "must be greater than zero");
}

}  // namespace
}  // namespace eddy::time
