#include "runtime/blocking/pool.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/block_on.h"

namespace eddy::blocking {
namespace {

using std::chrono::seconds;
using testing::block_on;

Clock::time_point soon() { return Clock::now() + seconds(60); }

template <class Condition>
void spin_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

// Says when it is destroyed.
class Token {
 public:
  explicit Token(int& ends) : ends_(&ends) {}
  Token(Token&& other) noexcept : ends_(std::exchange(other.ends_, nullptr)) {}
  Token& operator=(Token&&) = delete;
  ~Token() {
    if (ends_ != nullptr) ++*ends_;
  }

 private:
  int* ends_;
};

// Results.

TEST(Pool, RunsAJobAndHandsOverItsValue) {
  Pool pool;
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 42; })).value(), 42);
  EXPECT_TRUE(block_on(spawn_blocking_on(pool, [] {})).has_value());
}

TEST(Pool, ValuesMayBeMoveOnlyOrReferences) {
  Pool pool;
  static int number = 7;
  auto boxed = spawn_blocking_on(pool, [] { return std::make_unique<int>(1); });
  auto same = spawn_blocking_on(pool, []() -> int& { return number; });
  EXPECT_EQ(*block_on(boxed).value(), 1);
  EXPECT_EQ(&block_on(same).value(), &number);
}

TEST(Pool, KeepsCallableAndArguments) {
  Pool pool;
  auto add = [](std::unique_ptr<int> a, int b) { return *a + b; };
  auto sum = spawn_blocking_on(pool, add, std::make_unique<int>(40), 2);
  EXPECT_EQ(block_on(sum).value(), 42);
}

// D2
TEST(Pool, ExceptionsGoToTheJoiner) {
  Pool pool;
  auto std_error =
      spawn_blocking_on(pool, [] { throw std::logic_error("no"); });
  auto other = spawn_blocking_on(pool, []() -> int { throw 5; });
  EXPECT_THROW(block_on(std_error).value(), std::logic_error);
  EXPECT_THROW(block_on(other).value(), int);
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 1; })).value(), 1);
}

// D2
TEST(Pool, ExceptionsThatNobodyJoinsAreReported) {
  Gate gate;
  std::atomic<int> errors{0};
  Pool pool({.unhandled = [&](std::exception_ptr) { ++errors; }});
  spawn_blocking_on(pool, [&] {
    gate.pass();
    throw std::logic_error("unseen");
  }).detach();
  gate.wait_for_arrivals(1);
  gate.open();
  EXPECT_TRUE(pool.shutdown(soon()).empty());
  EXPECT_EQ(errors.load(), 1);
}

// D2
TEST(Pool, ExceptionsOfHooksAreReportedAndTheThreadLives) {
  std::atomic<int> errors{0};
  Pool pool({.max_threads = 1,
             .on_thread_start = [] { throw 1; },
             .on_thread_stop = [] { throw std::logic_error("stop"); },
             .unhandled = [&](std::exception_ptr) { ++errors; }});
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 1; })).value(), 1);
  EXPECT_EQ(errors.load(), 1);
  EXPECT_TRUE(pool.shutdown(soon()).empty());
  EXPECT_EQ(errors.load(), 2);
}

// D3
TEST(Pool, HandleMayBeDroppedAtAnyTime) {
  Gate gate;
  std::atomic<int> runs{0};
  Pool pool({.max_threads = 1});
  auto during = spawn_blocking_on(pool, [&] {
    gate.pass();
    return ++runs;
  });
  auto before = spawn_blocking_on(pool, [&] { return ++runs; });
  auto after = spawn_blocking_on(pool, [&] { return ++runs; });
  gate.wait_for_arrivals(1);
  {
    auto drop = std::move(during);
  }
  {
    auto drop = std::move(before);
  }
  gate.open();
  spin_until([&] { return after.is_finished(); });
  {
    auto drop = std::move(after);
  }
  EXPECT_EQ(runs.load(), 3);
}

struct ThrowsAtItsEnd {
  explicit ThrowsAtItsEnd(bool armed) : armed(armed) {}
  ThrowsAtItsEnd(ThrowsAtItsEnd&& other) noexcept
      : armed(std::exchange(other.armed, false)) {}
  ~ThrowsAtItsEnd() noexcept(false) {
    if (armed) throw std::logic_error("destructor");
  }
  bool armed;
};

// D2, D3
TEST(Pool, CallableMayThrowFromItsDestructor) {
  Pool pool;
  auto handle = spawn_blocking_on(
      pool, [thrower = std::make_unique<int>(1),
             end = ThrowsAtItsEnd(true)]() mutable { return *thrower; });
  EXPECT_THROW(block_on(handle).value(), std::logic_error);
}

// Cancellation.

TEST(Pool, AbortBeforeTheStartMeansThatItNeverRuns) {
  Gate gate;
  int ends = 0;
  bool ran = false;
  Pool pool({.max_threads = 1});
  auto busy = spawn_blocking_on(pool, [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  auto job =
      spawn_blocking_on(pool, [&ran, token = Token(ends)] { ran = true; });
  job.abort();
  gate.open();
  EXPECT_TRUE(block_on(job).is_cancelled());
  EXPECT_FALSE(ran);
  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(block_on(busy).has_value());
}

TEST(Pool, AbortOfARunningJobLetsItEnd) {
  Gate gate;
  Pool pool;
  auto job = spawn_blocking_on(pool, [&] {
    gate.pass();
    return 3;
  });
  gate.wait_for_arrivals(1);
  job.abort();
  gate.open();
  EXPECT_EQ(block_on(job).value(), 3);
}

// Context.

// Services whose reactor and timers nobody touches.
struct FakeRuntime {
  alignas(16) std::byte nothing[16] = {};
  Pool pool;
  context::Services services{pool.scheduler(),
                             *reinterpret_cast<reactor::Reactor*>(nothing),
                             *reinterpret_cast<time::Timers*>(nothing), pool};

  FakeRuntime() { pool.set_context({.services = &services}); }
};

TEST(SpawnBlocking, FindsThePoolInTheContextAlsoFromAJob) {
  FakeRuntime runtime;
  context::Enter enter({.services = &runtime.services});
  auto outer = spawn_blocking([&] {
    EXPECT_TRUE(context::current().is_blocking_thread);
    EXPECT_EQ(context::current().services, &runtime.services);
    EXPECT_NE(context::current().task, nullptr);
    return spawn_blocking([](int a, int b) { return a + b; }, 1, 2);
  });
  auto inner = block_on(outer).value();
  EXPECT_EQ(block_on(inner).value(), 3);
  EXPECT_FALSE(context::current().is_blocking_thread);
}

TEST(SpawnBlockingDeathTest, OutsideOfARuntimeNamesTheRemedy) {
  EXPECT_DEATH((void)spawn_blocking([] {}), "spawn_blocking.*outside.*enter");
}

TEST(Pool, AJobMaySpawnAJobAndWaitForIt) {
  Pool pool({.max_threads = 2});
  auto outer = spawn_blocking_on(pool, [&] {
    auto inner = spawn_blocking_on(pool, [] { return 20; });
    return 1 + block_on(inner).value();
  });
  EXPECT_EQ(block_on(outer).value(), 21);
}

// F1: shutdown.

TEST(Pool, ShutdownWaitsForRunningJobsAndCancelsQueuedOnes) {
  Gate gate;
  int ends = 0;
  Pool pool({.max_threads = 1});
  auto running = spawn_blocking_on(pool, [&] {
    gate.pass();
    return 1;
  });
  gate.wait_for_arrivals(1);
  auto queued = spawn_blocking_on(pool, [token = Token(ends)] { return 2; });
  std::thread closer([&] { EXPECT_TRUE(pool.shutdown(soon()).empty()); });
  EXPECT_TRUE(block_on(queued).is_cancelled());
  EXPECT_EQ(ends, 1);
  gate.open();
  closer.join();
  EXPECT_TRUE(running.is_finished());
  EXPECT_EQ(block_on(running).value(), 1);
  EXPECT_EQ(pool.metrics().threads, 0u);
}

TEST(Pool, AfterShutdownAJobIsCancelled) {
  int ends = 0;
  Pool pool;
  EXPECT_TRUE(pool.shutdown(soon()).empty());
  auto job = spawn_blocking_on(pool, [token = Token(ends)] {});
  EXPECT_TRUE(block_on(job).is_cancelled());
  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(pool.shutdown(soon()).empty()) << "twice";
}

TEST(Pool, StuckJobsAreNamedAndLetGo) {
  Gate gate;
  auto kept = std::make_shared<int>(0);
  std::optional<Pool> pool(std::in_place);
  pool->set_context({}, kept);
  auto stuck = spawn_blocking_named(*pool, "resolver", [&] {
    gate.pass();
    return 5;
  });
  gate.wait_for_arrivals(1);
  const std::vector<StuckJob> jobs = pool->shutdown(Clock::now());
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0].id, stuck.id());
  EXPECT_EQ(jobs[0].name, "resolver");
  EXPECT_EQ(jobs[0].thread_name, "eddy-blocking-0");
  EXPECT_GE(jobs[0].running_time, Clock::duration::zero());
  pool.reset();
  EXPECT_GT(kept.use_count(), 1) << "the thread may still use it";
  gate.open();
  EXPECT_EQ(block_on(stuck).value(), 5);
  spin_until([&] { return kept.use_count() == 1; });
}

TEST(Pool, AJobMayShutThePoolDown) {
  Gate gate;
  Pool pool;
  auto other = spawn_blocking_on(pool, [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  auto closer = spawn_blocking_on(pool, [&] {
    gate.open();
    return pool.shutdown(soon()).size();
  });
  EXPECT_EQ(block_on(closer).value(), 0u);
  EXPECT_TRUE(other.is_finished());
  EXPECT_TRUE(pool.shutdown(soon()).empty());
}

TEST(Pool, ContextIsReleasedAtShutdown) {
  auto kept = std::make_shared<int>(0);
  Pool pool;
  pool.set_context({}, kept);
  EXPECT_TRUE(block_on(spawn_blocking_on(pool, [] {})).has_value());
  EXPECT_TRUE(pool.shutdown(soon()).empty());
  EXPECT_EQ(kept.use_count(), 1);
}

}  // namespace
}  // namespace eddy::blocking
