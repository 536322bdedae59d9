// The end of a multi-thread runtime that comes while children of a fork_join
// are being polled, and what long forks do to the reactor's role.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "runtime/fork_join/fork_join.h"
#include "runtime/fork_join/parallel_for.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class ForkJoinEnd : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(ForkJoinEnd);

Task<> fail() {
  throw std::runtime_error("nobody joins");
  co_return;
}

// It waits, so that its fork's owner does; and closes the runtime in its poll.
Task<> drop_a_failure() {
  JoinHandle<void> failed = spawn(fail());
  while (!failed.is_finished()) co_await yield_now();
  std::move(failed).detach();
}

Task<> fork_one() { co_await fork_join(drop_a_failure()); }

TEST_P(ForkJoinEnd, AChildClosesTheRuntime) {
  Runtime& runtime =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  auto main = [&]() -> Task<> {
    (void)co_await spawn(fork_one());
    for (;;) co_await time::sleep(1ms);
  };
  EXPECT_THROW(runtime.block_on(main()), std::runtime_error);
}

// A child that does not end, while its owner waits.
TEST_P(ForkJoinEnd, ShutdownTimeoutWithAStuckChild) {
  if (is_current_thread()) GTEST_SKIP();
  Runtime& runtime = start(builder());
  struct Shared {
    std::atomic<bool> stuck{false}, go_on{false};
  } shared;
  auto stuck_child = [](Shared& shared) -> Task<> {
    co_await yield_now();
    shared.stuck = true;
    while (!shared.go_on) std::this_thread::sleep_for(1ms);
  };
  runtime
      .spawn([](auto child, Shared& shared) -> Task<> {
        co_await fork_join(child(shared));
      }(stuck_child, shared))
      .detach();
  ASSERT_TRUE(testing::eventually([&] { return shared.stuck.load(); }));
  // Lets go in the end, should the shutdown wait for it.
  std::thread helper([&] {
    for (int i = 0; i < 1000 && !shared.go_on; ++i) {
      std::this_thread::sleep_for(10ms);
    }
    shared.go_on = true;
  });
  (void)runtime.shutdown_timeout(100ms);
  EXPECT_FALSE(shared.go_on) << "waited for a child that is stuck";
  shared.go_on = true;
  helper.join();
  EXPECT_TRUE(testing::eventually(
      [&] { return runtime.metrics().scheduler.live_tasks == 0; }));
  forget(runtime);
}

// How long a sleep of 1 ms takes at most beside forks that keep all workers
// busy. The main future waits beside their queues.
std::chrono::nanoseconds longest_sleep_beside_forks(const Runtime& runtime) {
  std::chrono::nanoseconds longest{0};
  auto spin = [](std::size_t) {
    const auto until = std::chrono::steady_clock::now() + 20us;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  auto forks = [&]() -> Task<> {
    co_await time::sleep(5ms);  // so that the holder of the role runs the rest
    co_await parallel_for(std::size_t{0}, std::size_t{30'000}, 1, spin);
  };
  auto main = [&]() -> Task<> {
    JoinHandle<void> loop = spawn(forks());
    while (!loop.is_finished()) {
      const auto began = std::chrono::steady_clock::now();
      co_await time::sleep(1ms);
      const std::chrono::nanoseconds took =
          std::chrono::steady_clock::now() - began;
      longest = std::max(longest, took);
    }
    (void)co_await std::move(loop);
  };
  runtime.block_on(main());
  return longest;
}

// Somebody polls for events although all workers run forks. The machine may be
// busy: the best of a few attempts counts. Without the rule it is the time of
// the whole computation, 300 ms and more, in each of them.
TEST_P(ForkJoinEnd, TimersFireWhileAllWorkersRunForks) {
  Runtime& runtime = start(builder());
  std::chrono::nanoseconds best = std::chrono::hours(1);
  for (int i = 0; i < 6 && best > 100ms; ++i) {
    best = std::min(best, longest_sleep_beside_forks(runtime));
  }
  EXPECT_LT(best, 100ms) << best.count() / 1000 << " us";
}

}  // namespace
}  // namespace eddy
