#include "runtime/blocking/pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/block_on.h"
#include "tests/support/fault_injector.h"

namespace eddy::blocking {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::block_on;
using testing::Call;
using testing::FaultInjector;

Clock::time_point soon() { return Clock::now() + seconds(60); }

template <class Condition>
void spin_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

void wait_until_all_idle(const Pool& pool) {
  spin_until([&] {
    const Metrics metrics = pool.metrics();
    return metrics.idle_threads == metrics.threads;
  });
}

std::string this_thread_name() {
  char name[16];
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
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
  { auto drop = std::move(during); }
  { auto drop = std::move(before); }
  gate.open();
  spin_until([&] { return after.is_finished(); });
  { auto drop = std::move(after); }
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

// Threads.

TEST(Pool, StartsNoThreadBeforeTheFirstJob) {
  Pool pool;
  EXPECT_EQ(pool.metrics().threads, 0u);
}

TEST(Pool, StartsNoThreadWhileOneIsIdle) {
  Pool pool;
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(block_on(spawn_blocking_on(pool, [] {})).has_value());
    wait_until_all_idle(pool);
  }
  const Metrics metrics = pool.metrics();
  EXPECT_EQ(metrics.peak_threads, 1u);
  EXPECT_EQ(metrics.admitted_jobs, 100u);
  EXPECT_EQ(metrics.finished_jobs, 100u);
  EXPECT_EQ(metrics.queued_jobs, 0u);
}

TEST(Pool, EveryWaitingJobGetsAThreadUpToTheLimit) {
  constexpr size_t kThreads = 8, kJobs = 100;
  Gate gate;
  Pool pool({.max_threads = kThreads});
  std::vector<JoinHandle<void>> jobs;
  for (size_t i = 0; i < kJobs; ++i) {
    jobs.push_back(spawn_blocking_on(pool, [&] { gate.pass(); }));
  }
  gate.wait_for_arrivals(kThreads);
  EXPECT_EQ(gate.arrived(), kThreads);
  EXPECT_EQ(pool.metrics().threads, kThreads);
  EXPECT_EQ(pool.metrics().queued_jobs, kJobs - kThreads);
  gate.open();
  for (auto& job : jobs) EXPECT_TRUE(block_on(job).has_value());
  EXPECT_EQ(pool.metrics().peak_threads, kThreads);
}

TEST(Pool, IdleThreadsAreUsedLastInFirstOut) {
  constexpr int kThreads = 3;
  Pool pool;
  Gate gates[kThreads];
  std::thread::id ids[kThreads];
  std::vector<JoinHandle<void>> jobs;
  for (int i = 0; i < kThreads; ++i) {
    jobs.push_back(spawn_blocking_on(pool, [&, i] {
      ids[i] = std::this_thread::get_id();
      gates[i].pass();
    }));
    gates[i].wait_for_arrivals(1);
  }
  for (size_t i : {1, 0, 2}) {
    const size_t idle = pool.metrics().idle_threads;
    gates[i].open();
    spin_until([&] { return pool.metrics().idle_threads == idle + 1; });
  }
  for (size_t i : {2, 2}) {
    auto job =
        spawn_blocking_on(pool, [] { return std::this_thread::get_id(); });
    EXPECT_EQ(block_on(job).value(), ids[i]);
    wait_until_all_idle(pool);
  }
}

// C4
TEST(Pool, ThreadsEndAfterTheKeepAliveAndComeAgain) {
  Pool pool({.keep_alive = microseconds(1)});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(block_on(spawn_blocking_on(pool, [i] { return i; })).value(), i);
    spin_until([&] { return pool.metrics().threads == 0; });
  }
}

TEST(Pool, KeepAliveMayBeForEver) {
  Pool pool({.keep_alive = Clock::duration::max()});
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 1; })).value(), 1);
  wait_until_all_idle(pool);
  EXPECT_EQ(pool.metrics().threads, 1u);
}

TEST(Pool, ThreadsHaveNamesAndHooksAndStacks) {
  std::atomic<int> starts{0}, stops{0};
  Pool pool({.stack_size = 32 << 20,
             .on_thread_start = [&] { ++starts; },
             .on_thread_stop = [&] { ++stops; }});
  auto job = spawn_blocking_on(pool, [&] {
    EXPECT_EQ(starts.load(), 1);
    pthread_attr_t attributes;
    size_t size = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    EXPECT_GE(size, size_t{32} << 20);
    return this_thread_name();
  });
  EXPECT_EQ(block_on(job).value(), "eddy-blocking-0");
  EXPECT_TRUE(pool.shutdown(soon()).empty());
  EXPECT_EQ(starts.load(), 1);
  EXPECT_EQ(stops.load(), 1);
}

TEST(Pool, LongNamesKeepTheirNumber) {
  std::vector<std::string> names = {"a-name-that-is-too-long-123", "plain",
                                    "nothing_but_letters",
                                    "x-12345678901234567"};
  std::vector<std::string> seen;
  Pool pool({.keep_alive = microseconds(1), .thread_name = [&] {
               std::string name = names.back();
               names.pop_back();
               return name;
             }});
  for (int i = 0; i < 4; ++i) {
    auto job = spawn_blocking_on(pool, [] { return this_thread_name(); });
    seen.push_back(block_on(job).value());
    spin_until([&] { return pool.metrics().threads == 0; });
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"x-1234567890123", "nothing_but_let",
                                      "plain", "a-name-that-123"}));
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

// C1: thread creation fails.

TEST(Pool, WithoutAnyThreadAJobFails) {
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, testing::first(2), EAGAIN);
  int ends = 0;
  Pool pool;
  for (int i = 1; i <= 2; ++i) {
    auto job = spawn_blocking_on(pool, [token = Token(ends)] {});
    EXPECT_TRUE(job.is_finished());
    try {
      block_on(job).value();
      ADD_FAILURE() << "the job ran";
    } catch (const ThreadCreationFailed& failure) {
      EXPECT_EQ(failure.error(), EAGAIN);
    }
    EXPECT_EQ(ends, i);
  }
  EXPECT_EQ(pool.metrics().threads, 0u);
  EXPECT_EQ(pool.metrics().peak_threads, 0u);
  auto later = spawn_blocking_on(pool, [] { return 1; });
  EXPECT_EQ(block_on(later).value(), 1);
}

// C1
TEST(Pool, WithALiveThreadAJobWaitsForIt) {
  Gate gate;
  Pool pool;
  auto busy = spawn_blocking_on(pool, [&] { gate.pass(); });
  gate.wait_for_arrivals(1);
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, testing::always(), EAGAIN);
  std::vector<JoinHandle<int>> jobs;
  for (int i = 0; i < 10; ++i) {
    jobs.push_back(spawn_blocking_on(pool, [i] { return i; }));
  }
  EXPECT_EQ(faults.failures(Call::kPthreadCreate), 10u);
  EXPECT_EQ(pool.metrics().queued_jobs, 10u);
  gate.open();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(block_on(jobs[i]).value(), i);
  EXPECT_TRUE(block_on(busy).has_value());
}

// C1: each creation in turn fails, with 0 and with n live threads.
TEST(Pool, NoJobIsOrphanedWhicheverThreadFails) {
  const uint64_t failures =
      testing::fail_each(Call::kPthreadCreate, EAGAIN, [] {
        Pool pool({.max_threads = 4, .keep_alive = microseconds(1)});
        int failed = 0;
        for (int round = 0; round < 4; ++round) {
          Gate gate;
          std::vector<JoinHandle<void>> jobs;
          for (int i = 0; i < 4; ++i) {
            jobs.push_back(spawn_blocking_on(pool, [&] { gate.pass(); }));
          }
          gate.open();
          for (auto& job : jobs) failed += !block_on(job).has_value();
        }
        EXPECT_LE(failed, 4);
      });
  EXPECT_GE(failures, 1u);
}

TEST(Pool, NonsenseStackSizeFailsTheJobNotTheProcess) {
  Pool pool({.stack_size = 1});
  auto job = spawn_blocking_on(pool, [] {});
  EXPECT_THROW(block_on(job).value(), ThreadCreationFailed);
}

// As the kernel counts them.
std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

// C2
TEST(Pool, FiveHundredTwelveBlockedAndManyQueued) {
  constexpr int kThreads = 512, kQueued = 100'000;
  const std::size_t others = threads_of_this_process();
  Gate gate;
  std::atomic<int> runs{0};
  Pool pool({.stack_size = 256 * 1024});
  std::vector<JoinHandle<void>> blocked, queued;
  for (int i = 0; i < kThreads; ++i) {
    blocked.push_back(spawn_blocking_on(pool, [&] { gate.pass(); }));
  }
  gate.wait_for_arrivals(kThreads);
  for (int i = 0; i < kQueued; ++i) {
    queued.push_back(spawn_blocking_on(
        pool, [&] { runs.fetch_add(1, std::memory_order_relaxed); }));
  }
  EXPECT_EQ(pool.metrics().queued_jobs, size_t{kQueued});
  EXPECT_EQ(pool.metrics().threads, size_t{kThreads});
  // ThreadSanitizer starts one of its own.
  EXPECT_LE(threads_of_this_process(), others + kThreads + EDDY_TSAN);
  gate.open();
  for (auto& job : queued) EXPECT_TRUE(block_on(job).has_value());
  EXPECT_EQ(runs.load(), kQueued);
  EXPECT_EQ(pool.metrics().peak_threads, size_t{kThreads});
}

// C2: a job may wait for a job that it spawned, as long as a thread is left.
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
