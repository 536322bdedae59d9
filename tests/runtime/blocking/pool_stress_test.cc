// The races of the blocking pool: a push against a thread that goes idle,
// leaves or fails to start, and against shutdown. Faults that these tests catch
// are in tests/faults.txt.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/support/block_on.h"
#include "tests/support/fault_injector.h"
#include "tests/support/stress.h"

namespace eddy::blocking {
namespace {

using std::chrono::microseconds;
using testing::block_on;
using testing::Call;
using testing::FaultInjector;
using testing::Random;
using testing::Stress;

Clock::time_point soon() { return Clock::now() + std::chrono::seconds(60); }

void pause_a_little(uint32_t spins) {
  for (std::atomic<uint32_t> n{0}; n.load() < spins;) n.fetch_add(1);
}

// Sleeping would let the pool's thread go idle before the next push.
void spin_until_finished(const JoinHandle<void>& job) {
  for (int spins = 0; !job.is_finished();) {
    if (++spins % 256 == 0) std::this_thread::yield();
  }
}

// Property: a job is run that is pushed while the only thread goes idle. It is
// alone, so nobody else would come for it, and its keep-alive does not end.
struct IdleRound {
  Pool pool{{.max_threads = 1, .keep_alive = std::chrono::hours(1)}};
  std::atomic<int> runs{0};
};

template <class Round>
void push_one_by_one(Round& round, int, Random& random) {
  for (int i = 0; i < 100; ++i) {
    auto job = spawn_blocking_on(round.pool, [&] {
      round.runs.fetch_add(1, std::memory_order_relaxed);
    });
    spin_until_finished(job);
    pause_a_little(random.below(random.below(2) == 0 ? 60 : 1'000));
  }
}

TEST(PoolStress, GoingIdleRacingWithAPushLosesNoJob) {
  Stress<IdleRound> stress(/*rounds=*/300);
  stress.threads(1, push_one_by_one<IdleRound>);
  stress.run([](IdleRound& round) { EXPECT_EQ(round.runs.load(), 100); });
}

// The same while it waits awake, before it sleeps.
struct LingerRound {
  Pool pool{{.max_threads = 1,
             .keep_alive = std::chrono::hours(1),
             .linger = microseconds(2)}};
  std::atomic<int> runs{0};
};

TEST(PoolStress, LingeringRacingWithAPushLosesNoJob) {
  Stress<LingerRound> stress(/*rounds=*/150);
  stress.threads(1, push_one_by_one<LingerRound>);
  stress.run([](LingerRound& round) { EXPECT_EQ(round.runs.load(), 100); });
}

// Property (C4): a job is run that is pushed while the only thread leaves,
// since its keep-alive is over.
struct ExpiryRound {
  Pool pool{{.max_threads = 1,
             .keep_alive = Clock::duration::zero(),
             .on_thread_stop = [] { pause_a_little(500); }}};
  std::atomic<int> runs{0};
};

TEST(PoolStress, KeepAliveRacingWithAPushLosesNoJob) {
  Stress<ExpiryRound> stress(/*rounds=*/150);
  stress.threads(1, push_one_by_one<ExpiryRound>);
  stress.run([](ExpiryRound& round) {
    EXPECT_EQ(round.runs.load(), 100);
    EXPECT_LE(round.pool.metrics().peak_threads, 1u);
  });
}

// The same with more threads, which may be idle, on their way, or leaving.
struct ManyExpiriesRound {
  Pool pool{{.max_threads = 2, .keep_alive = microseconds(20)}};
  std::atomic<int> runs{0};
};

void push_and_wait(ManyExpiriesRound& round, int, Random& random) {
  for (int i = 0; i < 20; ++i) {
    auto job = spawn_blocking_on(round.pool, [&] {
      round.runs.fetch_add(1, std::memory_order_relaxed);
    });
    EXPECT_TRUE(block_on(job).has_value());
    const auto pause = microseconds(random.below(60));
    for (auto end = Clock::now() + pause; Clock::now() < end;) {
    }
  }
}

TEST(PoolStress, ManyKeepAlivesRacingWithPushesLoseNoJob) {
  Stress<ManyExpiriesRound> stress(/*rounds=*/150);
  stress.threads(2, push_and_wait);
  stress.run([](ManyExpiriesRound& round) {
    EXPECT_EQ(round.runs.load(), 40);
    EXPECT_LE(round.pool.metrics().peak_threads, 2u);
  });
}

// Property: as many jobs as there may be threads run side by side, however
// quickly they were pushed: each waits for all the others.
struct TogetherRound {
  static constexpr int kJobs = 4;
  Pool pool{{.max_threads = kJobs}};
  std::atomic<int> arrived[10] = {};
};

void push_together(TogetherRound& round, int, Random&) {
  for (std::atomic<int>& arrived : round.arrived) {
    std::vector<JoinHandle<void>> jobs;
    for (int i = 0; i < TogetherRound::kJobs / 2; ++i) {
      jobs.push_back(spawn_blocking_on(round.pool, [&arrived] {
        arrived.fetch_add(1, std::memory_order_relaxed);
        while (arrived.load(std::memory_order_relaxed) < TogetherRound::kJobs) {
          std::this_thread::yield();
        }
      }));
    }
    for (auto& job : jobs) EXPECT_TRUE(block_on(job).has_value());
  }
}

TEST(PoolStress, JobsThatWaitForEachOtherAllGetAThread) {
  Stress<TogetherRound> stress(/*rounds=*/150);
  stress.threads(2, push_together);
  stress.run([](TogetherRound& round) {
    EXPECT_EQ(round.pool.metrics().peak_threads, size_t{TogetherRound::kJobs});
  });
}

// Property (F1): of jobs that race with shutdown() each is run or cancelled,
// its callable is destroyed, and its joiner told.
struct ShutdownRound {
  std::optional<Pool> pool{std::in_place, Options{.max_threads = 3}};
  std::atomic<int> spawned{0}, ran{0}, cancelled{0};
};

void spawn_some(ShutdownRound& round, int, Random& random) {
  std::vector<JoinHandle<void>> jobs;
  for (int n = 1 + random.below(8); n > 0; --n) {
    jobs.push_back(spawn_blocking_on(*round.pool, [&] {
      round.ran.fetch_add(1, std::memory_order_relaxed);
    }));
    round.spawned.fetch_add(1, std::memory_order_relaxed);
  }
  for (auto& job : jobs) {
    if (block_on(job).is_cancelled()) {
      round.cancelled.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void shut_down(ShutdownRound& round, int, Random& random) {
  for (int n = random.below(200); n > 0; --n) {
    round.spawned.load(std::memory_order_relaxed);
  }
  EXPECT_TRUE(round.pool->shutdown(soon()).empty());
}

TEST(PoolStress, ShutdownRacingWithPushesLeavesNoJob) {
  Stress<ShutdownRound> stress(/*rounds=*/800);
  stress.threads(2, spawn_some);
  stress.threads(1, shut_down);
  stress.run([](ShutdownRound& round) {
    EXPECT_EQ(round.ran.load() + round.cancelled.load(), round.spawned.load());
    const Metrics metrics = round.pool->metrics();
    EXPECT_EQ(metrics.admitted_jobs, metrics.finished_jobs);
    EXPECT_EQ(metrics.threads, 0u);
    round.pool.reset();
  });
}

// Property (C1): with thread creation failing now and then, a job runs or
// fails, and its joiner is told.
struct CreationRound {
  Pool pool{{.max_threads = 3, .keep_alive = microseconds(1)}};
  std::atomic<int> ran{0}, failed{0};
};

void push_a_few(CreationRound& round, int, Random& random) {
  for (int i = 0; i < 10; ++i) {
    std::vector<JoinHandle<void>> jobs;
    for (int n = 1 + random.below(3); n > 0; --n) {
      jobs.push_back(spawn_blocking_on(round.pool, [&] {
        round.ran.fetch_add(1, std::memory_order_relaxed);
      }));
    }
    for (auto& job : jobs) {
      if (block_on(job).has_value()) continue;
      round.failed.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

TEST(PoolStress, FailingThreadCreationOrphansNoJob) {
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, testing::every(3), EAGAIN);
  faults.fail(Call::kPthreadCreate, testing::every(7), EAGAIN);
  Stress<CreationRound> stress(/*rounds=*/150);
  stress.threads(2, push_a_few);
  int ran = 0, failed = 0;
  stress.run([&](CreationRound& round) {
    ran += round.ran.load();
    failed += round.failed.load();
    const Metrics metrics = round.pool.metrics();
    EXPECT_EQ(metrics.admitted_jobs, metrics.finished_jobs);
    EXPECT_EQ(metrics.admitted_jobs,
              uint64_t(round.ran.load() + round.failed.load()));
  });
  EXPECT_GT(ran, 0);
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace eddy::blocking
