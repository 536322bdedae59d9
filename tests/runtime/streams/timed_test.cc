#include "runtime/streams/timed.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "runtime/streams/generator.h"
#include "runtime/streams/slice.h"
#include "runtime/streams/sources.h"
#include "runtime/time/interval.h"
#include "runtime/time/sleep.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/wake_counter.h"

namespace eddy::streams {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

// Items 0, 1, ... each so long after the one before.
Generator<int> after(std::vector<std::chrono::milliseconds> delays) {
  int i = 0;
  for (auto delay : delays) {
    co_await time::sleep(delay);
    co_yield i++;
  }
}

TEST(TimedStreams, TimeoutReportsALateItemOnce) {
  TimeEnvironment env;
  WakeCounter waker;
  auto items = after({5ms, 30ms, 5ms}) | timeout(10ms);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  env.advance(5ms);
  EXPECT_EQ((**items.poll_next(waker.context())).value(), 0);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  env.advance(10ms);
  EXPECT_EQ(waker.wakes(), 2);
  auto late = items.poll_next(waker.context());
  EXPECT_TRUE(absl::IsDeadlineExceeded((**late).status()));
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  env.advance(15ms);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending()) << "said once";
  env.advance(5ms);
  EXPECT_EQ((**items.poll_next(waker.context())).value(), 1);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  env.advance(5ms);
  EXPECT_EQ((**items.poll_next(waker.context())).value(), 2);
  EXPECT_FALSE(items.poll_next(waker.context())->has_value());
}

TEST(TimedStreams, ThrottleKeepsItemsApart) {
  TimeEnvironment env;
  WakeCounter waker;
  std::vector<int> source{1, 2};
  auto slow = items(source) | throttle(10ms);
  EXPECT_EQ(**slow.poll_next(waker.context()), 1);
  EXPECT_TRUE(slow.poll_next(waker.context()).is_pending());
  env.advance(9ms);
  EXPECT_TRUE(slow.poll_next(waker.context()).is_pending());
  env.advance(1ms);
  EXPECT_EQ(**slow.poll_next(waker.context()), 2);
}

TEST(TimedStreams, ChunksTimeoutGivesWhatIsThere) {
  using Chunk = std::vector<int>;
  TimeEnvironment env;
  WakeCounter waker;
  auto batches =
      after({0ms, 5ms, 30ms, 0ms, 0ms, 0ms}) | chunks_timeout(3, 10ms);
  EXPECT_TRUE(batches.poll_next(waker.context()).is_pending());
  env.advance(5ms);
  EXPECT_TRUE(batches.poll_next(waker.context()).is_pending());
  env.advance(5ms);  // since the first
  EXPECT_EQ(**batches.poll_next(waker.context()), (Chunk{0, 1}));
  EXPECT_TRUE(batches.poll_next(waker.context()).is_pending());
  env.advance(10ms);
  EXPECT_TRUE(batches.poll_next(waker.context()).is_pending())
      << "no chunk is empty";
  env.advance(15ms);
  EXPECT_EQ(**batches.poll_next(waker.context()), (Chunk{2, 3, 4}));
  EXPECT_EQ(**batches.poll_next(waker.context()), (Chunk{5}));
  EXPECT_FALSE(batches.poll_next(waker.context())->has_value());
}

// G1
TEST(TimedStreams, ExtremeTimesAreNoOverflow) {
  TimeEnvironment env;
  WakeCounter waker;
  constexpr auto kLongest = std::chrono::hours::max();
  auto timely = after({5ms}) | timeout(kLongest);
  EXPECT_TRUE(timely.poll_next(waker.context()).is_pending());
  env.advance(5ms);
  EXPECT_EQ((**timely.poll_next(waker.context())).value(), 0);
  auto slow = items(std::vector<int>{1, 2}) | throttle(kLongest);
  EXPECT_EQ(**slow.poll_next(waker.context()), 1);
  EXPECT_TRUE(slow.poll_next(waker.context()).is_pending());
  auto batches = after({0ms, 5ms}) | chunks_timeout(2, kLongest);
  EXPECT_TRUE(batches.poll_next(waker.context()).is_pending());
  env.advance(24h * 36500);
  EXPECT_TRUE(slow.poll_next(waker.context()).is_pending());
  EXPECT_EQ(**batches.poll_next(waker.context()), (std::vector<int>{0, 1}));
}

TEST(TimedStreams, TicksAreAStream) {
  TimeEnvironment env;
  WakeCounter waker;
  const time::Instant start = time::now();
  auto every = ticks(time::interval(10ms)) | take(2);
  EXPECT_EQ(**every.poll_next(waker.context()), start);
  EXPECT_TRUE(every.poll_next(waker.context()).is_pending());
  env.advance(10ms);
  EXPECT_EQ(**every.poll_next(waker.context()), start + 10ms);
  EXPECT_FALSE(every.poll_next(waker.context())->has_value());
}

}  // namespace
}  // namespace eddy::streams
