// A task that once kept the holder of the reactor's role from polling is left
// to the other threads. It is polled all the same, and soon, when these are at
// something that does not end: forks that nobody else waits for, or a poll that
// blocks (H1, H2).

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/builder.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

Task<long> fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await fork_join(fib(n - 1), fib(n - 2));
  co_return a + b;
}

class LongTask : public testing::RuntimeTest {
 protected:
  // With one worker there are two threads: who has the role, and one other.
  static Builder two_threads() {
    return Builder::multi_thread().worker_threads(1);
  }

  // Woken by the role's holder, it runs there until somebody takes the role
  // over: from then on it is known as long.
  static Task<> become_long(const Runtime& runtime) {
    const auto take_overs = [&] {
      return runtime.metrics().scheduler.take_overs;
    };
    const uint64_t before = take_overs();
    while (take_overs() == before) {
      co_await time::sleep(1ms);
      const auto end = steady_clock::now() + 100ms;
      while (take_overs() == before && steady_clock::now() < end) {
      }
    }
  }

  // What a long task waits for a wake-up beside `neighbor`, which has the other
  // thread for itself until `is_over`.
  template <class Neighbor>
  void run_beside(Neighbor neighbor) {
    Runtime& runtime = start(two_threads());
    std::atomic<bool> has_begun{false}, is_over{false};
    auto be_polled = [&]() -> Task<> {
      co_await become_long(runtime);
      JoinHandle<void> other = spawn(neighbor(has_begun, is_over));
      for (int i = 0; i < 20; ++i) {
        do {
          co_await time::sleep(1ms);
        } while (!has_begun);
      }
      is_over = true;
      JoinResult<void> ended = co_await std::move(other);
      std::move(ended).value();
    };
    runtime.block_on(runtime.spawn(be_polled())).value();
    stop(runtime);
  }
};

TEST_F(LongTask, IsPolledBesideForksThatDoNotEnd) {
  run_beside([](std::atomic<bool>& has_begun,
                std::atomic<bool>& is_over) -> Task<> {
    has_begun = true;
    while (!is_over) EXPECT_EQ(co_await fib(12), 144);
  });
}

TEST_F(LongTask, IsPolledBesideAPollThatBlocks) {
  run_beside([](std::atomic<bool>& has_begun,
                std::atomic<bool>& is_over) -> Task<> {
    has_begun = true;
    while (!is_over) std::this_thread::sleep_for(1ms);
    co_return;
  });
}

}  // namespace
}  // namespace eddy
