// Rows D4 and D5 for all waits for a time.
#include "tests/support/every_wait.h"

#include <gtest/gtest.h>

#include <chrono>

#include "absl/status/status.h"
#include "runtime/time/delay_queue.h"
#include "runtime/time/interval.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "sync/event.h"
#include "sync/mpsc.h"
#include "tests/runtime/time/time_test_support.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::AfterReady;
using testing::TimeEnvironment;
using testing::WakeCounter;
using testing::WithoutBudget;

// All wait for one and the same time. sleep_test.cc and timeout_test.cc tell
// what they do without budget: whoever waited for a time does not wait longer.
struct TimeTraits : testing::WaitTraits {
  static constexpr WithoutBudget kWithoutBudget = WithoutBudget::kOther;
  TimeEnvironment time;
  Instant due = now() + 10ms;
  void serve() { time.advance(10ms); }
};

struct OfSleep : TimeTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  auto wait() { return sleep_until(due); }
};

struct OfTimeout : TimeTraits {
  sync::Event never;
  auto wait() { return timeout_at(due, never.wait()); }
};

// Ends because its future does.
struct OfFutureInTime : testing::WaitTraits {
  TimeEnvironment time;
  sync::Event event;
  auto wait() { return timeout(1h, event.wait()); }
  void serve() { event.set(); }
};

struct OfTick : TimeTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  Interval every = interval_at(due, 10ms);
  auto wait() { return every.tick(); }
};

struct OfDelayQueue : TimeTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  static constexpr WithoutBudget kWithoutBudget = WithoutBudget::kYields;
  static constexpr bool kLeavesWaker = true;  // next() borrows the queue
  DelayQueue<int> queue;
  OfDelayQueue() {
    queue.insert_at(1, due);
    queue.insert(2, 1h);
  }
  auto wait() { return queue.next(); }
};

struct OfSendInTime : testing::WaitTraits {
  TimeEnvironment time;
  sync::mpsc::Ends<int, sync::mpsc::Sender> ends = sync::mpsc::create<int>(1);
  bool is_full = ends.sender.try_send(0);
  int value = 1;
  auto wait() { return ends.sender.send_timeout(value, 10ms); }
  void serve() { EXPECT_TRUE(ends.receiver.try_recv().is_ready()); }
};

using Waits = ::testing::Types<OfSleep, OfTimeout, OfFutureInTime, OfTick,
                               OfDelayQueue, OfSendInTime>;

// G1
TEST(SendTimeout, OfExtremeTimesIsNoOverflow) {
  TimeEnvironment time;
  WakeCounter waker;
  auto ends = sync::mpsc::create<int>(1);
  EXPECT_TRUE(ends.sender.try_send(0));
  int value = 1;
  auto never = ends.sender.send_timeout(value, std::chrono::hours::max());
  EXPECT_TRUE(never.poll(waker.context()).is_pending());
  time.advance(24h * 36500);
  EXPECT_TRUE(never.poll(waker.context()).is_pending());
  for (Duration none : {Duration::min(), Duration(0)}) {
    auto late = ends.sender.send_timeout(value, none);
    EXPECT_TRUE(absl::IsDeadlineExceeded(*late.poll(waker.context())));
  }
}

}  // namespace
}  // namespace eddy::time

namespace eddy::testing {
EDDY_FOR_EVERY_WAIT(Time, time::Waits);
}  // namespace eddy::testing
