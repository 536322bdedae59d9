#include "io/fs/job.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/base/status.h"
#include "runtime/task/task.h"
#include "tests/support/allocations.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

using testing::FailAllocation;

class JobTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(JobTest);

// So large that no pool has room for it.
struct CountRoom {
  absl::StatusOr<std::size_t> operator()() const { return room.size(); }

  std::array<char, 4'000> room;
};

// D1: memory runs out at each allocation of a job in turn: it is an error, or
// the job runs. Nothing is thrown.
TEST_P(JobTest, EachAllocationThatFailsIsAnError) {
  runtime().block_on([]() -> Task<> {
    int failures = 0;
    for (uint64_t nth = 1, more = 1; more != 0; ++nth) {
      Job job("count", CountRoom());
      testing::WakeCounter waker;
      FailAllocation fault(nth);
      auto first = job.poll(waker.context());
      fault.stop();
      more = fault.happened();
      absl::StatusOr<std::size_t> result = std::size_t{0};
      if (first.is_ready()) {
        result = *first;
      } else {
        result = co_await job;
      }
      if (result.ok()) {
        EXPECT_EQ(*result, 4'000u);
      } else {
        EXPECT_EQ(errno_of(result.status()), ENOMEM);
        EXPECT_TRUE(absl::IsResourceExhausted(result.status()));
        ++failures;
      }
    }
    EXPECT_TRUE(failures > 0 || !testing::allocations_are_counted());
  }());
}

}  // namespace
}  // namespace eddy::io
