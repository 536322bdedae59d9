// A runtime in which nothing can run does nothing: no polls, no system calls,
// no CPU, no periodic wake-ups.

#include <time.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/base/sanitizer.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "sync/event.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;

class IdleRuntime : public testing::FlavorTest {
 protected:
  static void expect_nothing_happens(Runtime& runtime);
};
EDDY_FOR_EACH_FLAVOR(IdleRuntime);

uint64_t all_calls(const FaultInjector& calls) {
  uint64_t sum = 0;
  for (size_t i = 0; i < testing::kCallCount; ++i) {
    // This thread reads the clock itself, and CLOCK_MONOTONIC is no system
    // call.
    if (static_cast<Call>(i) == Call::kClockGettime) continue;
    sum += calls.calls(static_cast<Call>(i));
  }
  return sum;
}

// How often the threads of this process, but for this one, went to sleep: what
// a thread that sleeps with a time-out does again and again. ThreadSanitizer
// has such a thread of its own.
uint64_t sleeps_of_others() {
  uint64_t sum = 0;
  if (EDDY_TSAN) return sum;
  for (const auto& thread :
       std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == std::to_string(gettid())) continue;
    std::ifstream status(thread.path() / "status");
    for (std::string word; status >> word;) {
      if (word != "voluntary_ctxt_switches:") continue;
      uint64_t count = 0;
      status >> count;
      sum += count;
    }
  }
  return sum;
}

std::chrono::nanoseconds cpu_time() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) +
         std::chrono::nanoseconds(used.tv_nsec);
}

void IdleRuntime::expect_nothing_happens(Runtime& runtime) {
  FaultInjector calls;
  for (int i = 0; i < 1000; ++i) {
    runtime.spawn([]() -> Task<> { co_await time::sleep(1h); }).detach();
  }
  runtime.block_on([]() -> Task<> {
    (co_await spawn_blocking([] {})).value();
    co_await time::sleep(5ms);
  });
  // The current-thread flavor idles in a block_on().
  sync::Event over;
  std::thread waits([&] {
    runtime.block_on(
        [&]() -> Task<> { co_await select(over.wait(), time::sleep(1h)); });
  });
  uint64_t before = 0, polls = 0, sleeps = 0;
  std::chrono::nanoseconds cpu{};
  const bool still = testing::eventually([&] {
    before = all_calls(calls);
    polls = runtime.metrics().scheduler.polls;
    cpu = cpu_time();
    sleeps = sleeps_of_others();
    std::this_thread::sleep_for(250ms);
    return all_calls(calls) == before && sleeps_of_others() == sleeps;
  });
  EXPECT_TRUE(still) << "system calls while idle";
  EXPECT_EQ(runtime.metrics().scheduler.polls, polls);
  EXPECT_LT(cpu_time() - cpu, 50ms);
  over.set();
  waits.join();
}

TEST_P(IdleRuntime, DoesNothing) { expect_nothing_happens(runtime()); }

// The watchdog sleeps, too.
TEST_P(IdleRuntime, DoesNothingWhereLongPollsAreReported) {
  if (!is_current_thread() && workers() != 2) return;
  Runtime& mine = start(builder().blocking_threshold(1ms).on_blocked_poll(
      [](const BlockedPoll&) {}));
  expect_nothing_happens(mine);
}

}  // namespace
}  // namespace eddy
