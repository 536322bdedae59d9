// The end of a multi-thread runtime that comes while children of a fork_join
// are being polled, and what long forks do to the reactor's role.
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
  Runtime& runtime = start(
      builder().unhandled_exception(UnhandledException::kShutdown));
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
  runtime.spawn([](auto child, Shared& shared) -> Task<> {
    co_await fork_join(child(shared));
  }(stuck_child, shared)).detach();
  ASSERT_TRUE(testing::eventually([&] { return shared.stuck.load(); }));
  std::this_thread::sleep_for(20ms);
  std::thread helper([&] {
    std::this_thread::sleep_for(3s);
    shared.go_on = true;
  });
  const auto began = std::chrono::steady_clock::now();
  (void)runtime.shutdown_timeout(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  helper.join();
  std::this_thread::sleep_for(100ms);
  forget(runtime);
}

// All workers run forks: somebody polls nevertheless. The main future waits
// beside their queues.
TEST_P(ForkJoinEnd, TimersFireWhileAllWorkersRunForks) {
  Runtime& runtime = start(builder());
  std::chrono::nanoseconds worst{0};
  auto spin = [](std::size_t) {
    const auto until = std::chrono::steady_clock::now() + 20us;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  auto forks = [&]() -> Task<> {
    co_await time::sleep(5ms);  // so that the holder of the role runs the rest
    co_await parallel_for(std::size_t{0}, std::size_t{100000}, 1, spin);
  };
  auto main = [&]() -> Task<> {
    JoinHandle<void> loop = spawn(forks());
    while (!loop.is_finished()) {
      const auto began = std::chrono::steady_clock::now();
      co_await time::sleep(1ms);
      const std::chrono::nanoseconds took =
          std::chrono::steady_clock::now() - began;
      worst = std::max(worst, took);
    }
    (void)co_await std::move(loop);
  };
  runtime.block_on(main());
  EXPECT_LT(worst, 150ms) << "worst: " << worst.count() / 1000 << " us";
}

}  // namespace
}  // namespace eddy
