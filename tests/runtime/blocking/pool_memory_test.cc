// D1: memory runs out at each allocation of a spawn_blocking in turn.
#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "runtime/blocking/pool.h"
#include "runtime/blocking/spawn_blocking.h"
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

}  // namespace
}  // namespace eddy::blocking
