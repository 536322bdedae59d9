// Property: whatever threads do to tasks at once (spawn, wake, abort, join,
// detach, drop), every task ends exactly once, every join comes to an end,
// every poll has a cause, and at the end nothing is left.
//
// It ends when every thread has done its share and no task is alive. Flags are
// relaxed, so that they add no order.

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Random;

constexpr int kThreads = 8;
constexpr int kOperations = EDDY_TSAN ? 60 : 200;

class RuntimeStress : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(RuntimeStress);

// Woken from anywhere, any number of times; ready after the third poll.
struct Woken {
  using Output = int;
  explicit Woken(int* plain) : plain(plain) {}
  int* plain;  // written by every poll: no two may overlap
  int polls = 0;
  std::vector<JoinHandle<void>> wakers;
  Poll<int> poll(Context& cx) {
    ++*plain;
    if (++polls > 3) return 1;
    for (int i = 0; i < 2; ++i) {
      spawn([waker = cx.waker()]() -> Task<> {
        waker.wake();
        waker.wake();
        co_return;
      }).detach();
    }
    return kPending;
  }
};

Task<int> woken() {
  int plain = 0;
  co_return co_await Woken(&plain);
}

Task<int> yields(uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) co_await yield_now();
  co_return 1;
}

Task<int> sleeps(uint32_t micros) {
  co_await time::sleep(micros * 1us);
  co_return 1;
}

Task<int> tree(uint32_t depth) {
  if (depth == 0) co_return 1;
  JoinHandle<int> left = spawn(tree(depth - 1));
  JoinHandle<int> right = spawn(tree(depth - 1));
  co_return (co_await left).value() + (co_await right).value();
}

Task<int> combined(uint32_t n) {
  (void)co_await join(yields(n % 4), woken());
  (void)co_await select(sleeps(n), woken());
  (void)co_await time::timeout(1us * n, sleeps(2 * n));
  co_return 1;
}

JoinHandle<int> start_something(const Handle& handle, Random& random) {
  switch (random.below(6)) {
    case 0:
      return handle.spawn(woken());
    case 1:
      return handle.spawn(yields(random.below(20)));
    case 2:
      return handle.spawn(sleeps(random.below(2000)));
    case 3:
      return handle.spawn(tree(random.below(4)));
    case 4:
      return handle.spawn(combined(random.below(500)));
    default:
      return handle.spawn_blocking([] { return 1; });
  }
}

void do_something(const Handle& handle, Random& random) {
  std::vector<JoinHandle<int>> handles;
  for (uint32_t n = 1 + random.below(8); n > 0; --n) {
    handles.push_back(start_something(handle, random));
  }
  for (JoinHandle<int>& task : handles) {
    switch (random.below(5)) {
      case 0:
        task.abort();
        break;  // and dropped
      case 1:
        break;  // dropped
      case 2:
        task.abort();
        [[fallthrough]];
      default: {
        JoinResult<int> result = handle.block_on(std::move(task));
        EXPECT_EQ(result.exception(), nullptr);
        if (result.has_value()) {
          EXPECT_GE(*std::move(result), 1);
        }
      }
    }
  }
}

TEST_P(RuntimeStress, EverythingAtOnce) {
  const uint64_t seed = testing::stress_seed();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t, handle = runtime().handle()] {
      Random random(seed + t);
      for (int i = 0; i < kOperations; ++i) do_something(handle, random);
    });
  }
  for (std::thread& thread : threads) thread.join();
  runtime().block_on([this]() -> Task<> {
    while (runtime().metrics().scheduler.live_tasks > 0) {
      co_await time::sleep(1ms);
    }
  });
  expect_every_poll_had_a_cause(runtime().metrics());
}

// The same, cut off by the end of the runtime.
TEST_P(RuntimeStress, EverythingAtOnceAndThenTheEnd) {
  const uint64_t seed = testing::stress_seed();
  for (int round = 0; round < 10; ++round) {
    Runtime& mine = start(builder());
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t, handle = mine.handle()] {
        Random random(seed + 100 * round + t);
        while (!over.load(std::memory_order_relaxed)) {
          if (handle.metrics().scheduler.live_tasks > 300) {
            std::this_thread::yield();
            continue;
          }
          // Not joined: a current-thread runtime does not run them all.
          std::vector<JoinHandle<int>> handles;
          for (int i = 0; i < 10; ++i) {
            handles.push_back(start_something(handle, random));
            if (random.below(3) == 0) handles.back().abort();
          }
        }
      });
    }
    mine.block_on(time::sleep(1ms * (round % 5)));
    EXPECT_TRUE(mine.shutdown_timeout(kShutdownBound).empty());
    over.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads) thread.join();
    stop(mine);
  }
}

}  // namespace
}  // namespace eddy
