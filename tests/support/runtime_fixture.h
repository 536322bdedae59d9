// RuntimeTest and FlavorTest: fixtures of tests that build runtimes. What must
// hold at the end of every such test is checked here, in one place:
//
//   - every task that was spawned has ended, each exactly once;
//   - no task is alive, and none is queued;
//   - the kernel has no operation of a ring;
//   - no task was polled without a spawn, a wake or a wish of its own;
//   - the runtime ended within its bound, and nothing was stuck;
//   - as many fds and threads are there as before the test;
//   - with no task alive the runtime was idle: nothing polled, no CPU used.
//
//   class Spawn : public FlavorTest {};
//   EDDY_FOR_EACH_FLAVOR(Spawn);
//
//   TEST_P(Spawn, JoinGivesTheValue) {
//     EXPECT_EQ(runtime().block_on(answer()), 42);
//   }
//
// Threads: the test's own, but for the hooks.
// Owner:   the fixture owns the runtimes that it started; a test may end one
//          itself with stop().
#ifndef EDDY_TESTS_SUPPORT_RUNTIME_FIXTURE_H_
#define EDDY_TESTS_SUPPORT_RUNTIME_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "tests/support/eventually.h"

namespace eddy::testing {

// What the hooks saw of one runtime's tasks. Sums instead of a list, and
// relaxed, so that it adds no order to what is tested: if each id came and went
// exactly once, both sums of mixed ids are equal.
class TaskLedger {
 public:
  void count_spawn(TaskId id) { count(spawned_, id); }
  void count_end(TaskId id) { count(ended_, id); }

  uint64_t spawned() const { return spawned_.tasks.load(kRelaxed); }
  uint64_t ended() const { return ended_.tasks.load(kRelaxed); }
  bool is_balanced() const {
    return spawned() == ended() &&
           spawned_.ids.load(kRelaxed) == ended_.ids.load(kRelaxed);
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  struct Sums {
    std::atomic<uint64_t> tasks{0};
    std::atomic<uint64_t> ids{0};
  };
  static void count(Sums& sums, TaskId id);

  Sums spawned_, ended_;
};

// What the process has that a runtime may leak.
struct ProcessState {
  static ProcessState now();

  std::size_t fds = 0;
  std::vector<std::string> threads;  // names, sorted
};

// Waits until the process has no more fds and threads than it had, since a
// thread that was let go, or has been joined, takes a while to vanish; a
// failure if it does not come to that.
void expect_back_to(const ProcessState& before);

class RuntimeTest : public ::testing::Test {
 protected:
  // How long the end of a runtime may take that has nothing stuck in it.
  static constexpr std::chrono::seconds kShutdownBound{20};

  RuntimeTest();
  ~RuntimeTest() override;
  void TearDown() override;

  // Starts a runtime, with the hooks of a TaskLedger in the builder.
  Runtime& start(Builder builder);
  // Ends one that start() gave, and checks it.
  void stop(Runtime& runtime);
  // As stop(), for a test in which the runtime has been shut down already, or
  // moved away.
  void forget(Runtime& runtime);

  const TaskLedger& ledger(const Runtime& runtime) const;

  // No task is left, and nothing moves: no polls, no waits, hardly any CPU.
  static void expect_idle(const Runtime& runtime);
  static void expect_every_poll_had_a_cause(const RuntimeMetrics& metrics);

 private:
  struct Started {
    std::shared_ptr<TaskLedger> ledger = std::make_shared<TaskLedger>();
    std::unique_ptr<Runtime> runtime;
  };
  std::vector<Started>::iterator find(const Runtime& runtime);

  const ProcessState before_;
  std::vector<Started> started_;
};

inline constexpr uint32_t kDedicated = uint32_t{1} << 16;

// A test over all flavors; the parameter is the number of workers, 0 for the
// current-thread one, with kDedicated where the reactor does not assist.
class FlavorTest : public RuntimeTest,
                   public ::testing::WithParamInterface<uint32_t> {
 protected:
  static bool is_current_thread() { return GetParam() == 0; }
  static uint32_t workers() { return GetParam() % kDedicated; }
  // That may run tasks.
  static uint32_t threads() {
    return is_dedicated() ? workers() : workers() + 1;
  }
  static bool is_dedicated() { return GetParam() >= kDedicated; }
  static Builder builder() { return builder(GetParam()); }
  static Builder builder(uint32_t workers);

  // One runtime of this flavor.
  Runtime& runtime();

 private:
  Runtime* runtime_ = nullptr;
};

std::string flavor_name(const ::testing::TestParamInfo<uint32_t>& info);

#define EDDY_FOR_EACH_FLAVOR(suite)                                        \
  INSTANTIATE_TEST_SUITE_P(                                                \
      Flavors, suite,                                                      \
      ::testing::Values(0u, 1u, 2u, 8u, 2u + ::eddy::testing::kDedicated), \
      ::eddy::testing::flavor_name)
#define EDDY_FOR_EACH_MULTI_THREAD_FLAVOR(suite)                       \
  INSTANTIATE_TEST_SUITE_P(                                            \
      Flavors, suite,                                                  \
      ::testing::Values(1u, 2u, 8u, 2u + ::eddy::testing::kDedicated), \
      ::eddy::testing::flavor_name)

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_RUNTIME_FIXTURE_H_
