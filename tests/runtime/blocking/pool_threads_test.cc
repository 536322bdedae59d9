// The threads of the pool: when they start and end, what they are called, and
// what becomes of jobs where none can be had (C1, C2).

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/block_on.h"
#include "tests/support/fault_injector.h"

namespace eddy::blocking {
namespace {

using std::chrono::microseconds;
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

// Threads.

TEST(PoolThreads, StartsNoThreadBeforeTheFirstJob) {
  Pool pool;
  EXPECT_EQ(pool.metrics().threads, 0u);
}

TEST(PoolThreads, StartsNoThreadWhileOneIsIdle) {
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

TEST(PoolThreads, EveryWaitingJobGetsAThreadUpToTheLimit) {
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

TEST(PoolThreads, IdleThreadsAreUsedLastInFirstOut) {
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
TEST(PoolThreads, ThreadsEndAfterTheKeepAliveAndComeAgain) {
  Pool pool({.keep_alive = microseconds(1)});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(block_on(spawn_blocking_on(pool, [i] { return i; })).value(), i);
    spin_until([&] { return pool.metrics().threads == 0; });
  }
}

TEST(PoolThreads, KeepAliveMayBeForEver) {
  Pool pool({.keep_alive = Clock::duration::max()});
  EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 1; })).value(), 1);
  wait_until_all_idle(pool);
  EXPECT_EQ(pool.metrics().threads, 1u);
}

TEST(PoolThreads, ThreadsHaveNamesAndHooksAndStacks) {
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

TEST(PoolThreads, LongNamesKeepTheirNumber) {
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

// C1: thread creation fails.

TEST(PoolThreads, WithoutAnyThreadAJobFails) {
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, testing::first(2), EAGAIN);
  const auto token = std::make_shared<int>();
  Pool pool;
  for (int i = 1; i <= 2; ++i) {
    auto job = spawn_blocking_on(pool, [token] {});
    EXPECT_TRUE(job.is_finished());
    try {
      block_on(job).value();
      ADD_FAILURE() << "the job ran";
    } catch (const ThreadCreationFailed& failure) {
      EXPECT_EQ(failure.error(), EAGAIN);
    }
    EXPECT_EQ(token.use_count(), 1) << "the callable is destroyed";
  }
  EXPECT_EQ(pool.metrics().threads, 0u);
  EXPECT_EQ(pool.metrics().peak_threads, 0u);
  auto later = spawn_blocking_on(pool, [] { return 1; });
  EXPECT_EQ(block_on(later).value(), 1);
}

// C1
TEST(PoolThreads, WithALiveThreadAJobWaitsForIt) {
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
TEST(PoolThreads, NoJobIsOrphanedWhicheverThreadFails) {
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

TEST(PoolThreads, NonsenseStackSizeFailsTheJobNotTheProcess) {
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
TEST(PoolThreads, FiveHundredTwelveBlockedAndManyQueued) {
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

}  // namespace
}  // namespace eddy::blocking
