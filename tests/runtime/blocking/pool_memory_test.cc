// D1: memory runs out at each allocation of a spawn_blocking in turn.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/allocations.h"
#include "tests/support/block_on.h"

namespace eddy::blocking {
namespace {

using testing::block_on;
using testing::FailAllocation;

// The caller gets bad_alloc, or the joiner an error, or the job runs; and the
// pool is usable afterwards.
TEST(PoolMemory, EachAllocationThatFailsIsSomebodysError) {
  int to_caller = 0, to_joiner = 0;
  for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
    Pool pool;
    std::optional<JoinHandle<int>> handle;
    FailAllocation fault(nth);
    try {
      handle.emplace(spawn_blocking_on(pool, [] { return 1; }));
    } catch (const std::bad_alloc&) {
      ++to_caller;
    }
    fault.stop();
    more = fault.happened();
    if (handle.has_value()) {
      try {
        EXPECT_EQ(block_on(*handle).value(), 1);
      } catch (const ThreadCreationFailed& failure) {
        EXPECT_EQ(failure.error(), ENOMEM);
        ++to_joiner;
      }
    }
    EXPECT_EQ(block_on(spawn_blocking_on(pool, [] { return 2; })).value(), 2);
  }
  EXPECT_TRUE(to_joiner > 0 || !testing::allocations_are_counted());
  EXPECT_GE(to_caller, 0) << "none if the frame pool is warm";
}

// The same for a job of a class, the first of which makes its queue, where the
// pool has a place for one job: it is given back.
TEST(PoolMemory, AFailureTakesNoPlace) {
  for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
    Pool pool({.max_queued = 1});
    const BlockingClass kind("class", 1);
    std::optional<JoinHandle<int>> handle;
    FailAllocation fault(nth);
    try {
      handle.emplace(spawn_blocking_on(pool, kind, [] { return 1; }));
    } catch (const std::bad_alloc&) {
    }
    fault.stop();
    more = fault.happened();
    if (handle.has_value()) {
      try {
        (void)block_on(*handle);
      } catch (const ThreadCreationFailed&) {
      }
    }
    EXPECT_EQ(pool.metrics().queued_jobs, 0u);
    ASSERT_TRUE(pool.places().try_take()) << "allocation " << nth;
    pool.places().give();
    EXPECT_EQ(block_on(spawn_blocking_on(pool, kind, [] { return 2; })).value(),
              2);
  }
}

// While threads are at work one more is wanted: without memory for it, the job
// waits for one of those.
TEST(PoolMemory, WithoutMemoryForAThreadAJobWaits) {
  constexpr std::size_t kThreads = 10;
  for (std::size_t busy = 1; busy < kThreads; ++busy) {
    for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
      Pool pool({.max_threads = kThreads});
      Gate gate;
      std::vector<JoinHandle<void>> jobs;
      for (std::size_t i = 0; i < busy; ++i) {
        jobs.push_back(spawn_blocking_on(pool, [&gate] { gate.pass(); }));
      }
      gate.wait_for_arrivals(busy);
      std::optional<JoinHandle<int>> handle;
      FailAllocation fault(nth);
      try {
        handle.emplace(spawn_blocking_on(pool, [] { return 1; }));
      } catch (const std::bad_alloc&) {
      }
      fault.stop();
      more = fault.happened();
      gate.open();
      if (handle.has_value()) {
        EXPECT_EQ(block_on(*handle).value(), 1);
      }
      for (JoinHandle<void>& job : jobs) (void)block_on(job);
    }
  }
}

}  // namespace
}  // namespace eddy::blocking
