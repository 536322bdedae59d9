// Property: whatever polls leave their cores and come back to one (nested in
// forks, beside jobs, timers and wakes, with hardly any thread to spare), each
// task ends exactly once with its value, no two polls of a task overlap, and
// every poll has a cause; also where the runtime ends meanwhile.
//
// It ends when all tasks have. Plain ints are written by every poll, so that
// ThreadSanitizer sees whether a core, or a poll, changes threads in order.
// Faults that it catches are in tests/faults.txt.

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Random;

constexpr int kTasks = EDDY_TSAN || EDDY_ASAN ? 24 : 60;
constexpr uint32_t kSteps = EDDY_TSAN || EDDY_ASAN ? 15 : 30;

// Cancelled, where the runtime ends meanwhile.
template <class T>
void expect_value(JoinResult<T> result, T value) {
  EXPECT_TRUE(result.is_cancelled() || std::move(result).value() == value);
}

class BlockInPlaceStress : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(BlockInPlaceStress);

void block(uint32_t how_long) {
  if (how_long % 8 == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(how_long));
  } else if (how_long % 2 == 0) {
    std::this_thread::yield();
  }
}

Task<uint32_t> forked(uint64_t seed, uint32_t depth) {
  Random random(seed);
  if (random.below(3) == 0) block_in_place([&] { block(random.below(50)); });
  if (random.below(4) == 0) co_await yield_now();
  if (depth == 0) co_return 1;
  auto [a, b, c] =
      co_await fork_join(forked(random(), depth - 1),
                         forked(random(), depth - 1), forked(random(), 0));
  if (random.below(3) == 0) block_in_place([&] { block(random.below(50)); });
  co_return a + b + c;
}

uint32_t size_of_tree(uint32_t depth) {
  return depth == 0 ? 1 : 2 * size_of_tree(depth - 1) + 1;
}

Task<> step(Random& random) {
  switch (random.below(8)) {
    case 0:
      co_await yield_now();
      break;
    case 1:
      co_await time::sleep(1us * random.below(300));
      break;
    case 2: {
      auto child = spawn([]() -> Task<int> { co_return 1; });
      block_in_place([&] { block(random.below(20)); });
      expect_value(co_await child, 1);
      break;
    }
    case 3: {
      auto job = spawn_blocking([n = random.below(30)] {
        block(n);
        return 2;
      });
      expect_value(co_await job, 2);
      break;
    }
    case 4: {
      const uint32_t depth = random.below(4);
      EXPECT_EQ(co_await forked(random(), depth), size_of_tree(depth));
      break;
    }
    case 5:
      block_in_place([&] {
        expect_value(Handle::current().block_on(
                         spawn([]() -> Task<int> { co_return 3; })),
                     3);
      });
      break;
    default:
      block_in_place([&] { block(random.below(100)); });
  }
}

Task<int> wander(uint64_t seed) {
  Random random(seed);
  int plain = 0;
  for (uint32_t i = 0; i < kSteps; ++i) {
    ++plain;
    co_await step(random);
  }
  co_return plain;
}

TEST_P(BlockInPlaceStress, EveryTaskEndsWithItsValue) {
  const uint64_t seed = testing::stress_seed();
  for (std::size_t threads : {1, 3}) {
    Runtime& mine = start(builder().max_blocking_threads(threads));
    mine.block_on([&]() -> Task<> {
      std::vector<JoinHandle<int>> tasks;
      for (int i = 0; i < kTasks; ++i) tasks.push_back(spawn(wander(seed + i)));
      for (auto& task : tasks) EXPECT_EQ((co_await task).value(), int{kSteps});
    });
    stop(mine);
  }
}

// C1: threads can be had at times only.
TEST_P(BlockInPlaceStress, WhereThreadsAreScarce) {
  const uint64_t seed = testing::stress_seed();
  Runtime& mine = start(builder().thread_keep_alive(50us));
  testing::FaultInjector faults;
  faults.fail(testing::Call::kPthreadCreate, testing::every(2), EAGAIN);
  auto wander_without_jobs = [](uint64_t seed) -> Task<int> {
    Random random(seed);
    for (uint32_t i = 0; i < kSteps; ++i) {
      block_in_place([&] { block(random.below(100)); });
      if (random.below(2) == 0) co_await yield_now();
      if (random.below(8) == 0) co_await time::sleep(1us * random.below(200));
    }
    co_return 1;
  };
  mine.block_on([&]() -> Task<> {
    std::vector<JoinHandle<int>> tasks;
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(spawn(wander_without_jobs(seed + i)));
    }
    for (auto& task : tasks) EXPECT_EQ((co_await task).value(), 1);
  });
}

// F1
TEST_P(BlockInPlaceStress, AndThenTheEnd) {
  const uint64_t seed = testing::stress_seed();
  for (int round = 0; round < (EDDY_TSAN || EDDY_ASAN ? 5 : 10); ++round) {
    Runtime& mine = start(builder().max_blocking_threads(1 + round % 3));
    for (int i = 0; i < kTasks / 2; ++i) {
      mine.spawn([](uint64_t seed) -> Task<> {
            Random random(seed);
            for (;;) co_await step(random);
          }(seed + 100 * round + i))
          .detach();
    }
    mine.block_on(time::sleep(200us * (round % 5)));
    EXPECT_TRUE(mine.shutdown_timeout(kShutdownBound).empty());
    stop(mine);
  }
}

}  // namespace
}  // namespace eddy
