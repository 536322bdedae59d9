#include "runtime/time/timers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/context/current.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

// A timer that is cancelled at its end, as futures do.
class ScopedTimer {
 public:
  explicit ScopedTimer(Timers& timers) : timers_(timers) {}
  ~ScopedTimer() { timers_.cancel(timer_); }

  bool poll(Instant deadline, const Waker& waker) {
    return timers_.poll(timer_, deadline, waker);
  }
  void reset(Instant deadline) { timers_.reset(timer_, deadline); }
  Timer& get() { return timer_; }

 private:
  Timers& timers_;
  Timer timer_;
};

TEST(Timers, FireWakesOnceWhatIsDue) {
  TimeEnvironment time;
  WakeCounter waker;
  ScopedTimer timer(time.timers());
  EXPECT_FALSE(timer.poll(time.clock().now() + 5ms, waker.waker()));
  EXPECT_EQ(time.advance(4ms), 0u);
  EXPECT_EQ(time.advance(1ms), 1u);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_TRUE(timer.poll(time.clock().now(), waker.waker()));
  EXPECT_EQ(time.advance(1h), 0u);
  EXPECT_EQ(waker.wakes(), 1);
}

TEST(Timers, RoundsUpToATickAndIsNeverEarly) {
  TimeEnvironment time;
  WakeCounter waker;
  ScopedTimer timer(time.timers());
  const Instant deadline = time.clock().now() + 5ms + 1ns;
  EXPECT_FALSE(timer.poll(deadline, waker.waker()));
  EXPECT_EQ(time.timers().next_deadline(), time.clock().now() + 6ms);
  EXPECT_EQ(time.timers().fire(deadline - 1ns), 0u);
  EXPECT_EQ(time.timers().fire(deadline), 0u);
  EXPECT_EQ(time.timers().fire(deadline + 1ms - 1ns), 1u);
}

TEST(Timers, CancelledIsNotWoken) {
  TimeEnvironment time;
  WakeCounter waker;
  {
    ScopedTimer timer(time.timers());
    EXPECT_FALSE(timer.poll(time.clock().now() + 5ms, waker.waker()));
    EXPECT_EQ(waker.kept_wakers(), 1);
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_EQ(time.advance(10ms), 0u);
  EXPECT_EQ(waker.wakes(), 0);
}

TEST(Timers, LatestWakerCounts) {
  TimeEnvironment time;
  WakeCounter first, second;
  ScopedTimer timer(time.timers());
  const Instant deadline = time.clock().now() + 5ms;
  EXPECT_FALSE(timer.poll(deadline, first.waker()));
  EXPECT_FALSE(timer.poll(deadline, second.waker()));
  EXPECT_EQ(first.kept_wakers(), 0);
  EXPECT_EQ(time.advance(5ms), 1u);
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
}

TEST(Timers, ResetMovesAPendingTimerAndKeepsItsWaker) {
  TimeEnvironment time;
  WakeCounter waker;
  ScopedTimer timer(time.timers());
  const Instant start = time.clock().now();
  EXPECT_FALSE(timer.poll(start + 5ms, waker.waker()));
  timer.reset(start + 10ms);
  EXPECT_EQ(time.advance(5ms), 0u);
  timer.reset(start + 7ms);
  EXPECT_EQ(time.advance(2ms), 1u);
  EXPECT_EQ(waker.wakes(), 1);
  timer.reset(start + 20ms);  // begins anew, at its next poll
  EXPECT_FALSE(timer.get().is_fired());
  EXPECT_EQ(time.advance(1h), 0u);
}

TEST(Timers, MoreThanABatchFires) {
  TimeEnvironment time;
  WakeCounter waker;
  std::deque<ScopedTimer> timers;
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_FALSE(timers.emplace_back(time.timers())
                     .poll(time.clock().now() + 5ms, waker.waker()));
  }
  EXPECT_EQ(time.advance(5ms), 1'000u);
  EXPECT_EQ(waker.wakes(), 1'000);
}

TEST(Timers, GoToTheShardOfTheThreadAndStayThere) {
  TimeEnvironment time(3);
  WakeCounter waker;
  ScopedTimer timer(time.timers());
  const Instant deadline = time.clock().now() + 5ms;
  {
    context::Enter enter(time.current(2));
    EXPECT_FALSE(timer.poll(deadline, waker.waker()));
  }
  context::Enter enter(time.current(1));
  EXPECT_FALSE(timer.poll(deadline, waker.waker()));
  timer.reset(deadline + 1ms);
  time.clock().advance_to(deadline + 1ms);
  EXPECT_EQ(time.timers().fire_shard(0, time.clock().now()), 0u);
  EXPECT_EQ(time.timers().fire_shard(1, time.clock().now()), 0u);
  EXPECT_EQ(time.timers().fire_shard(2, time.clock().now()), 1u);
}

// G1
TEST(Timers, ExtremeDeadlinesAreNoOverflow) {
  TimeEnvironment time;
  WakeCounter waker;
  ScopedTimer never(time.timers()), ever(time.timers());
  EXPECT_FALSE(never.poll(Instant::max(), waker.waker()));
  EXPECT_GT(*time.timers().next_deadline(), time.clock().now() + 24h * 36500);
  EXPECT_EQ(time.advance(24h * 365), 0u);
  EXPECT_FALSE(ever.poll(Instant::min(), waker.waker()));
  EXPECT_EQ(time.timers().fire(time.clock().now()), 1u);
  EXPECT_TRUE(ever.get().is_fired());
}

TEST(Timers, SleeperIsToldUntilWhen) {
  TimeEnvironment time(2);
  WakeCounter waker;
  EXPECT_EQ(time.timers().prepare_sleep(), std::nullopt);
  time.timers().awake();
  const Instant now = time.clock().now();
  ScopedTimer late(time.timers()), early(time.timers());
  EXPECT_FALSE(late.poll(now + 50ms, waker.waker()));
  context::Enter enter(time.current(1));
  EXPECT_FALSE(early.poll(now + 20ms, waker.waker()));
  EXPECT_EQ(time.timers().prepare_sleep(), now + 20ms);
  time.timers().awake();
  EXPECT_EQ(time.alarms(), 0);
}

// E2
TEST(Timers, AlarmOncePerSleepAndOnlyForAnEarlierDeadline) {
  TimeEnvironment time(2);
  WakeCounter waker;
  const Instant now = time.clock().now();
  std::deque<ScopedTimer> timers;
  auto set = [&](Duration after) {
    EXPECT_FALSE(
        timers.emplace_back(time.timers()).poll(now + after, waker.waker()));
  };
  set(50ms);
  EXPECT_EQ(time.alarms(), 0) << "the sleeper is awake";
  EXPECT_EQ(time.timers().prepare_sleep(), now + 50ms);
  set(60ms);
  set(50ms);
  EXPECT_EQ(time.alarms(), 0);
  set(40ms);
  EXPECT_EQ(time.alarms(), 1);
  set(30ms);
  EXPECT_EQ(time.alarms(), 1) << "it is on its way";
  EXPECT_EQ(time.timers().prepare_sleep(), now + 30ms);
  context::Enter enter(time.current(1));
  set(35ms);
  EXPECT_EQ(time.alarms(), 1);
  set(20ms);
  EXPECT_EQ(time.alarms(), 2);
  time.timers().awake();
  set(10ms);
  EXPECT_EQ(time.alarms(), 2);
}

TEST(Timers, ResetToAnEarlierDeadlineCallsTheAlarm) {
  TimeEnvironment time;
  WakeCounter waker;
  const Instant now = time.clock().now();
  ScopedTimer timer(time.timers());
  EXPECT_FALSE(timer.poll(now + 50ms, waker.waker()));
  EXPECT_EQ(time.timers().prepare_sleep(), now + 50ms);
  timer.reset(now + 60ms);
  EXPECT_EQ(time.alarms(), 0);
  timer.reset(now + 40ms);
  EXPECT_EQ(time.alarms(), 1);
}

TEST(Timers, ChangesOfTheClockCallTheAlarm) {
  TimeEnvironment time;
  int alarms = 0;
  for (const std::function<void()>& change :
       {std::function<void()>([&] { time.timers().advance(1ms); }),
        std::function<void()>([&] { time.timers().resume(); }),
        std::function<void()>([&] { time.timers().pause(); })}) {
    change();
    EXPECT_EQ(time.alarms(), alarms) << "the sleeper is awake";
    (void)time.timers().prepare_sleep();
    if (time.clock().is_paused()) {
      change();
    } else {
      time.timers().resume();
    }
    EXPECT_EQ(time.alarms(), ++alarms);
  }
}

// G2: a paused clock must not move to the deadline of a timer that is gone.
TEST(Timers, ADroppedTimerIsNoNextDeadline) {
  TimeEnvironment time;
  WakeCounter waker;
  const Instant now = time.clock().now();
  ScopedTimer later(time.timers());
  EXPECT_FALSE(later.poll(now + 5010ms, waker.waker()));
  {
    ScopedTimer dropped(time.timers());
    EXPECT_FALSE(dropped.poll(now + 5000ms, waker.waker()));
    EXPECT_EQ(time.timers().next_deadline(), now + 5000ms);
  }
  EXPECT_EQ(time.timers().next_deadline(), now + 5010ms);
  time.timers().cancel(later.get());
  EXPECT_EQ(time.timers().next_deadline(), std::nullopt);
  // The sleeper may look once too often; then it knows.
  EXPECT_EQ(time.advance(5000ms), 0u);
  EXPECT_EQ(time.timers().prepare_sleep(), std::nullopt);
}

// F1
TEST(Timers, ShutdownFiresAllAndLaterOnesAtOnce) {
  TimeEnvironment time(2);
  WakeCounter waker;
  std::deque<ScopedTimer> timers;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(timers.emplace_back(time.timers())
                     .poll(time.clock().now() + 1h * i + 1ms, waker.waker()));
  }
  time.timers().shutdown();
  EXPECT_EQ(waker.wakes(), 100);
  for (ScopedTimer& timer : timers) EXPECT_TRUE(timer.get().is_fired());
  ScopedTimer later(time.timers());
  EXPECT_TRUE(later.poll(time.clock().now() + 1h, waker.waker()));
  time.timers().shutdown();  // twice
  EXPECT_EQ(waker.wakes(), 100);
}

// F1
TEST(Timers, ATimerMayOutliveThem) {
  TimeEnvironment time;
  WakeCounter waker;
  Timer timer;
  EXPECT_FALSE(
      time.timers().poll(timer, time.clock().now() + 1h, waker.waker()));
  time.destroy_timers();
  EXPECT_TRUE(timer.is_fired());
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

}  // namespace
}  // namespace eddy::time
