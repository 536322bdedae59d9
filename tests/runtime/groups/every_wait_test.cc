// Rows D4, D5 and H1 for all waits for tasks.
#include "tests/support/every_wait.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "runtime/builder.h"
#include "runtime/groups/join_map.h"
#include "runtime/groups/join_set.h"
#include "runtime/groups/task_tracker.h"
#include "runtime/runtime.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/event.h"

namespace eddy {
namespace {

using testing::AfterReady;
using testing::WithoutBudget;

// A runtime that has turns when the test serves, and a task that ends then.
struct TaskTraits : testing::WaitTraits {
  sync::Event gate, never;
  Runtime runtime = *Builder::current_thread().build();

  static Task<int> wait_for(sync::Event* event) {
    co_await event->wait();
    co_return 1;
  }
  static Task<> yield_times(int times) {
    for (int i = 0; i < times; ++i) co_await yield_now();
  }
  void serve() {
    gate.set();
    runtime.block_on(yield_times(10));
  }
};

struct OfJoinHandle : TaskTraits {
  static constexpr bool kLeavesWaker = true;  // it is borrowed, and waits on
  JoinHandle<int> handle = runtime.spawn(wait_for(&gate));
  auto wait() { return testing::Borrowed(handle); }
};

struct OfJoinSet : TaskTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  JoinSet<int> set;
  OfJoinSet() {
    set.spawn_on(runtime.handle(), wait_for(&gate));
    set.spawn_on(runtime.handle(), wait_for(&never));
  }
  auto wait() { return set.join_next(); }
};

struct OfJoinMap : TaskTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  JoinMap<int, int> map;
  OfJoinMap() {
    map.spawn_on(runtime.handle(), 1, wait_for(&gate));
    map.spawn_on(runtime.handle(), 2, wait_for(&never));
  }
  auto wait() { return map.join_next(); }
};

struct OfTaskTracker : testing::WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  TaskTracker tasks;
  std::optional<TaskTracker::Token> token = tasks.token();
  OfTaskTracker() { tasks.close(); }
  auto wait() { return tasks.wait(); }
  void serve() { token.reset(); }
};

using Waits =
    ::testing::Types<OfJoinHandle, OfJoinSet, OfJoinMap, OfTaskTracker>;

}  // namespace

namespace testing {
EDDY_FOR_EVERY_WAIT(Tasks, Waits);
}  // namespace testing
}  // namespace eddy
