// The bound of the blocking queue, as the tasks of a runtime meet it.

#include <optional>
#include <utility>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using blocking::Gate;

class BlockingQueue : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(BlockingQueue);

TEST_P(BlockingQueue, WhoReservesWaitsForRoomAndWhoTriesIsRefused) {
  Runtime& mine =
      start(builder().max_blocking_threads(1).max_blocking_queue(2));
  Gate gate;
  mine.block_on([&]() -> Task<> {
    auto running = spawn_blocking([&] { gate.pass(); });
    gate.wait_for_arrivals(1);
    auto first = try_spawn_blocking([](int n) { return n; }, 1);
    BlockingSlot slot = co_await reserve_blocking();
    EXPECT_FALSE(try_spawn_blocking([] { return 0; }).has_value());
    auto beyond = spawn_blocking([] { return 3; });  // can't wait
    // Opens the gate once a task waits for room.
    auto waiter = spawn([]() -> Task<int> {
      const BlockingClass one("one", 1);
      BlockingSlot slot = co_await reserve_blocking();
      auto job = std::move(slot).spawn(one, [] { return 4; });
      co_return (co_await job).value();
    });
    auto second = std::move(slot).spawn([] { return 2; });
    gate.open();
    EXPECT_TRUE((co_await running).has_value());
    EXPECT_TRUE(first.has_value());
    if (first.has_value()) {
      EXPECT_EQ((co_await *first).value(), 1);
    }
    EXPECT_EQ((co_await second).value(), 2);
    EXPECT_EQ((co_await beyond).value(), 3);
    EXPECT_EQ((co_await waiter).value(), 4);
  });
}

// F1
TEST_P(BlockingQueue, AfterShutdownThereIsRoomForWhatIsCancelled) {
  Runtime& mine = start(builder().max_blocking_queue(1));
  EXPECT_TRUE(mine.shutdown_timeout(kShutdownBound).empty());
  auto inside = mine.enter();
  auto job = try_spawn_blocking([] { return 1; });
  ASSERT_TRUE(job.has_value());
  EXPECT_TRUE(job->is_finished());
}

}  // namespace
}  // namespace eddy
