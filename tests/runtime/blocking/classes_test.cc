// Classes of blocking jobs, each with its cap, and the bound of the queue: who
// waits for a place in it, and who is refused.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/blocking/places.h"
#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/block_on.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::blocking {
namespace {

using testing::block_on;
using testing::WakeCounter;

// Which of a class run at once, and how many did at most.
struct Running {
  std::atomic<int> now{0};
  std::atomic<int> most{0};

  void run() {
    const int mine = ++now;
    int seen = most.load();
    while (seen < mine && !most.compare_exchange_weak(seen, mine)) {
    }
    std::this_thread::yield();
    --now;
  }
};

TEST(BlockingClass, NoMoreThanTheCapRunAtOnce) {
  Pool pool;
  const BlockingClass two("two", 2), one("one", 1);
  EXPECT_EQ(two.name(), "two");
  EXPECT_EQ(two.cap(), 2u);
  Running of_two, of_one;
  std::vector<JoinHandle<void>> jobs;
  for (int i = 0; i < 500; ++i) {
    jobs.push_back(spawn_blocking_on(pool, two, [&] { of_two.run(); }));
    jobs.push_back(spawn_blocking_on(
        pool, BlockingClass(one), [&](int) { of_one.run(); }, 1));
  }
  for (auto& job : jobs) EXPECT_TRUE(block_on(job).has_value());
  EXPECT_LE(of_two.most, 2);
  EXPECT_EQ(of_one.most, 1);
  EXPECT_EQ(pool.metrics().queued_jobs, 0u);
}

// A class that is stuck leaves the threads to others.
TEST(BlockingClass, AFullClassDoesNotHoldUpOthers) {
  Pool pool({.max_threads = 3});
  const BlockingClass slow("slow", 2);
  Gate gate;
  std::vector<JoinHandle<void>> stuck;
  for (int i = 0; i < 10; ++i) {
    stuck.push_back(spawn_blocking_on(pool, slow, [&] { gate.pass(); }));
  }
  gate.wait_for_arrivals(2);
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 1; })).value(), 1);
  EXPECT_EQ(gate.arrived(), 2u);
  EXPECT_EQ(pool.metrics().queued_jobs, 8u);
  gate.open();
  for (auto& job : stuck) EXPECT_TRUE(block_on(job).has_value());
}

TEST(BlockingClass, AnAbortedJobLetsTheNextOneIn) {
  Pool pool;
  const BlockingClass one("one", 1);
  Gate gate;
  auto first = spawn_blocking_on(pool, one, [&] { gate.pass(); });
  auto second =
      spawn_blocking_on(pool, one, [] { FAIL() << "it was aborted"; });
  auto third = spawn_blocking_on(pool, one, [] { return 3; });
  second.abort();
  gate.wait_for_arrivals(1);
  gate.open();
  EXPECT_EQ(block_on(third).value(), 3);
  EXPECT_TRUE(block_on(second).is_cancelled());
  EXPECT_TRUE(block_on(first).has_value());
}

// F1
TEST(BlockingClass, ShutdownCancelsWhatWaits) {
  std::optional<Pool> pool(std::in_place);
  const BlockingClass one("one", 1);
  Gate gate;
  auto token = std::make_shared<int>(0);
  auto first = spawn_blocking_on(*pool, one, [&] { gate.pass(); });
  std::vector<JoinHandle<void>> waiting;
  for (int i = 0; i < 20'000; ++i) {
    waiting.push_back(spawn_blocking_on(*pool, one, [token] {}));
  }
  gate.wait_for_arrivals(1);
  EXPECT_EQ(pool->shutdown(Clock::now()).size(), 1u);
  EXPECT_EQ(token.use_count(), 1);
  for (auto& job : waiting) EXPECT_TRUE(block_on(job).is_cancelled());
  EXPECT_TRUE(block_on(spawn_blocking_on(*pool, one, [] {})).is_cancelled());
  gate.open();
  EXPECT_TRUE(block_on(first).has_value());
  const Metrics metrics = pool->metrics();
  EXPECT_EQ(metrics.queued_jobs, 0u);
}

// C1
TEST(BlockingClass, WithoutAnyThreadAllOfThemFail) {
  Pool pool;
  const BlockingClass one("one", 1);
  testing::FaultInjector faults;
  faults.fail(testing::Call::kPthreadCreate, testing::every(1), EAGAIN);
  std::vector<JoinHandle<void>> jobs;
  for (int i = 0; i < 100; ++i) {
    jobs.push_back(spawn_blocking_on(pool, one, [] {}));
  }
  for (auto& job : jobs) {
    EXPECT_THROW(block_on(job).value(), ThreadCreationFailed);
  }
}

TEST(Places, AreServedInTurn) {
  Places places(1);
  WakeCounter waker;
  ASSERT_TRUE(places.try_take());
  EXPECT_FALSE(places.try_take());
  Places::Wait first(places), second(places);
  Context cx(waker.waker());
  EXPECT_FALSE(first.poll(cx));
  EXPECT_FALSE(first.poll(cx)) << "a poll too many";
  EXPECT_FALSE(second.poll(cx));
  places.give();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_FALSE(places.try_take()) << "it is the first one's";
  EXPECT_FALSE(second.poll(cx));
  EXPECT_TRUE(first.poll(cx));
  places.give();
  EXPECT_TRUE(second.poll(cx));
  places.give();
  EXPECT_TRUE(places.try_take());
}

// D4: dropped before the first poll, while it waits, with the place, after.
TEST(Places, ADroppedWaitPassesItsPlaceOn) {
  Places places(1);
  WakeCounter waker;
  Context cx(waker.waker());
  {
    Places::Wait unused(places);
  }
  ASSERT_TRUE(places.try_take());
  Places::Wait last(places);
  {
    Places::Wait waiting(places), granted(places);
    EXPECT_FALSE(granted.poll(cx));
    EXPECT_FALSE(waiting.poll(cx));
    EXPECT_FALSE(last.poll(cx));
    places.give();  // granted has it, and has not been polled
  }
  EXPECT_TRUE(last.poll(cx));
  EXPECT_FALSE(places.try_take());
  places.give();
  EXPECT_TRUE(places.try_take());
}

TEST(Places, WhatIsTakenBeyondTheBoundIsGivenBackFirst) {
  Places places(1);
  places.take();
  places.take();
  places.give();
  EXPECT_FALSE(places.try_take());
  places.give();
  EXPECT_TRUE(places.try_take());
}

TEST(Places, NobodyWaitsOnceTheyAreClosed) {
  Places places(1);
  WakeCounter waker;
  Context cx(waker.waker());
  ASSERT_TRUE(places.try_take());
  Places::Wait waiting(places), later(places);
  EXPECT_FALSE(waiting.poll(cx));
  places.close();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(waiting.poll(cx));
  EXPECT_TRUE(later.poll(cx));
  EXPECT_TRUE(places.try_take());
}

TEST(Places, WithoutABoundThereIsAlwaysOne) {
  Places places(0);
  WakeCounter waker;
  Context cx(waker.waker());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(places.try_take());
  Places::Wait wait(places);
  EXPECT_TRUE(wait.poll(cx));
}

}  // namespace
}  // namespace eddy::blocking
