#include "runtime/blocking/duration_histogram.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "runtime/blocking/blocking_class.h"
#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/block_on.h"
#include "tests/support/stress.h"

namespace eddy::blocking {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using testing::block_on;
using testing::Random;
using testing::Stress;

constexpr auto kBuckets = DurationHistogram::kBuckets;

// --- The buckets -------------------------------------------------------------

TEST(DurationHistogram, ABucketEndsWhereTheNextOneBegins) {
  for (std::size_t i = 0; i + 1 < kBuckets; ++i) {
    const nanoseconds bound = DurationHistogram::upper_bound(i);
    EXPECT_EQ(bound, 1us * (int64_t{1} << i));
    EXPECT_EQ(DurationHistogram::bucket_of(bound), i);
    EXPECT_EQ(DurationHistogram::bucket_of(bound + 1ns), i + 1);
  }
}

TEST(DurationHistogram, TheFirstAndTheLastBucketTakeWhatIsBeyond) {
  EXPECT_EQ(DurationHistogram::bucket_of(0ns), 0u);
  EXPECT_EQ(DurationHistogram::bucket_of(-1ns), 0u);
  EXPECT_EQ(DurationHistogram::bucket_of(nanoseconds::min()), 0u);
  EXPECT_EQ(DurationHistogram::bucket_of(24h), kBuckets - 1);
  EXPECT_EQ(DurationHistogram::bucket_of(nanoseconds::max()), kBuckets - 1);
  EXPECT_EQ(DurationHistogram::upper_bound(kBuckets - 1), nanoseconds::max());
}

TEST(DurationHistogram, QuantilesAreBoundsOfTheirBuckets) {
  DurationHistogram times;
  times.buckets[2] = 90;  // up to 4 us
  times.buckets[5] = 9;   // up to 32 us
  times.buckets[kBuckets - 1] = 1;
  EXPECT_EQ(times.count(), 100u);
  EXPECT_EQ(times.quantile(0), 4us);
  EXPECT_EQ(times.quantile(0.5), 4us);
  EXPECT_EQ(times.quantile(0.9), 4us);
  EXPECT_EQ(times.quantile(0.91), 32us);
  EXPECT_EQ(times.quantile(0.99), 32us);
  EXPECT_EQ(times.quantile(1), nanoseconds::max());
}

TEST(DurationHistogram, QuantilesOfNothingAndBeyondTheEnds) {
  DurationHistogram times;
  EXPECT_EQ(times.quantile(0.5), 0ns);
  times.buckets[3] = 2;
  EXPECT_EQ(times.quantile(-1), 8us);
  EXPECT_EQ(times.quantile(2), 8us);
}

// Property: what one thread counts, another reads meanwhile: each time at least
// as much as before, and in the end all.
struct CountersRound {
  static constexpr uint64_t kTimes = 500;
  DurationCounters counters;
};

void count(CountersRound& round, int, Random& random) {
  for (uint64_t i = 0; i < CountersRound::kTimes; ++i) {
    round.counters.add(1us * (1 << random.below(8)));
  }
}

void read(CountersRound& round, int, Random&) {
  DurationHistogram before;
  while (before.count() < CountersRound::kTimes) {
    DurationHistogram now;
    round.counters.add_to(now);
    for (std::size_t i = 0; i < kBuckets; ++i) {
      ASSERT_GE(now.buckets[i], before.buckets[i]);
    }
    before = now;
  }
  EXPECT_EQ(before.count(), CountersRound::kTimes);
}

TEST(DurationCounters, AreReadWhileTheyCount) {
  Stress<CountersRound> stress(/*rounds=*/500);
  stress.threads(1, count);
  stress.threads(1, read);
  stress.run([](CountersRound&) {});
}

// --- Of the jobs of a pool ---------------------------------------------------

nanoseconds time_of(auto&& call) {
  const Clock::time_point begin = Clock::now();
  call();
  return Clock::now() - begin;
}

// The figures of `count` jobs, once their thread is through with them.
Metrics after(const Pool& pool, uint64_t count) {
  for (;;) {
    Metrics metrics = pool.metrics();
    if (metrics.settled_jobs >= count) return metrics;
    std::this_thread::yield();
  }
}

void expect_one_between(const DurationHistogram& times, nanoseconds least,
                        nanoseconds most) {
  std::size_t in_range = 0;
  for (std::size_t i = DurationHistogram::bucket_of(least);
       i <= DurationHistogram::bucket_of(most); ++i) {
    in_range += times.buckets[i];
  }
  EXPECT_EQ(in_range, 1u) << "none of " << least.count() << " to "
                          << most.count() << " ns";
}

TEST(PoolTimes, AJobRunsAsLongAsItTakes) {
  Pool pool;
  nanoseconds inside{0};
  const nanoseconds outside = time_of([&] {
    block_on(spawn_blocking_on(pool, [&] {
      inside = time_of([] { std::this_thread::sleep_for(3ms); });
    })).value();
    after(pool, 1);
  });
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.run_time.count(), 1u);
  expect_one_between(metrics.run_time, inside, outside);
  EXPECT_EQ(metrics.wait_time.count(), 1u);
  expect_one_between(metrics.wait_time, 0ns, outside - inside);
}

DurationHistogram difference(DurationHistogram after,
                             const DurationHistogram& before) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    after.buckets[i] -= before.buckets[i];
  }
  return after;
}

// Of the second of two jobs, which had not begun before.
DurationHistogram last_wait(const Pool& pool, const Metrics& before) {
  const Metrics now = after(pool, 2);
  const DurationHistogram waits = difference(now.wait_time, before.wait_time);
  EXPECT_EQ(waits.count(), 1u);
  return waits;
}

TEST(PoolTimes, AJobWaitsForAThread) {
  Gate gate;
  Pool pool({.max_threads = 1});
  auto first = spawn_blocking_on(pool, [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  const Metrics before = pool.metrics();
  nanoseconds inside{0};
  const nanoseconds outside = time_of([&] {
    auto second = spawn_blocking_on(pool, [] {});
    inside = time_of([] { std::this_thread::sleep_for(3ms); });
    gate.open();
    block_on(second).value();
  });
  block_on(first).value();
  expect_one_between(last_wait(pool, before), inside, outside);
}

// What its class holds back is not in the pool's queue yet.
TEST(PoolTimes, AJobThatItsClassHoldsBackWaitsFromWhenItIsLetThrough) {
  const BlockingClass one("one", 1);
  Gate gate;
  Pool pool;
  auto first = spawn_blocking_on(pool, one, [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  const Metrics before = pool.metrics();
  auto second = spawn_blocking_on(pool, one, [] {});
  std::this_thread::sleep_for(20ms);
  const nanoseconds since_then = time_of([&] {
    gate.open();
    block_on(second).value();
  });
  block_on(first).value();
  expect_one_between(last_wait(pool, before), 0ns, since_then);
}

// An exception is an end like others; who is cancelled before a thread has
// taken it is not counted.
TEST(PoolTimes, OfJobsThatDoNotEndOrdinarily) {
  Gate gate;
  Pool pool({.max_threads = 1});
  auto thrower = spawn_blocking_on(pool, [&] {
    gate.pass();
    throw 1;
  });
  gate.wait_for_arrivals(1);
  auto aborted = spawn_blocking_on(pool, [] {});
  aborted.abort();
  gate.open();
  EXPECT_TRUE(block_on(aborted).is_cancelled());
  EXPECT_THROW(block_on(thrower).value(), int);
  EXPECT_EQ(after(pool, 2).run_time.count(), 2u);

  EXPECT_TRUE(pool.shutdown(Clock::now() + 60s).empty());
  EXPECT_TRUE(block_on(spawn_blocking_on(pool, [] {})).is_cancelled());
  EXPECT_EQ(pool.metrics().wait_time.count(), 2u);
  EXPECT_EQ(pool.metrics().run_time.count(), 2u);
}

// Property: each job is counted once, by whichever thread, also if that ends
// and its place is another's; the sum only grows.
struct TimesRound {
  static constexpr int kJobs = 10;
  Pool pool{{.max_threads = 2, .keep_alive = 20us}};
};

void spawn_jobs(TimesRound& round, int, Random&) {
  for (int i = 0; i < TimesRound::kJobs; ++i) {
    EXPECT_TRUE(block_on(spawn_blocking_on(round.pool, [] {})).has_value());
  }
}

void watch_times(TimesRound& round, int, Random&) {
  uint64_t before = 0;
  while (before < 2 * TimesRound::kJobs) {
    const uint64_t now = round.pool.metrics().run_time.count();
    EXPECT_GE(now, before);
    before = now;
  }
}

TEST(PoolTimes, EachJobIsCountedOnce) {
  Stress<TimesRound> stress(/*rounds=*/200);
  stress.threads(2, spawn_jobs);
  stress.threads(1, watch_times);
  stress.run([](TimesRound& round) {
    EXPECT_EQ(round.pool.metrics().wait_time.count(), 2u * TimesRound::kJobs);
    EXPECT_EQ(round.pool.metrics().run_time.count(), 2u * TimesRound::kJobs);
  });
}

}  // namespace
}  // namespace eddy::blocking
