// JoinSet, JoinMap and TaskTracker, on all flavors.
#include "runtime/groups/join_set.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/combinators/select.h"
#include "runtime/groups/join_map.h"
#include "runtime/groups/task_tracker.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/event.h"
#include "tests/runtime/groups/alive.h"
#include "tests/support/abort_after.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Alive;
using testing::WakeCounter;

Task<int> give(int value) { co_return value; }

Task<int> give_after(sync::Event& event, int value) {
  co_await event.wait();
  co_return value;
}

Task<int> never(Alive::Count& count) {
  Alive alive(count);
  for (;;) co_await yield_now();
}

Task<int> wait_for_ever(Alive::Count& count) {
  Alive alive(count);
  sync::Event event;
  co_await event.wait();
  co_return 0;
}

Task<int> fail() {
  throw std::runtime_error("failed");
  co_return 0;
}

class JoinSetTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(JoinSetTest);

TEST_P(JoinSetTest, OutcomesComeInTheOrderOfCompletion) {
  runtime().block_on([]() -> Task<> {
    constexpr int kTasks = 5;
    std::array<sync::Event, kTasks> events;
    JoinSet<int> set;
    for (int i = 0; i < kTasks; ++i) set.spawn(give_after(events[i], i));
    EXPECT_EQ(set.len(), 5u);
    EXPECT_FALSE(set.try_join_next().has_value());
    for (int i : {3, 0, 4, 1, 2}) {
      events[i].set();
      auto next = co_await set.join_next();
      EXPECT_EQ(*std::move(*next), i);
    }
    EXPECT_TRUE(set.is_empty());
    EXPECT_FALSE((co_await set.join_next()).has_value());
  });
}

TEST_P(JoinSetTest, TryJoinNextGivesWhatHasEnded) {
  runtime().block_on([]() -> Task<> {
    JoinSet<int> set;
    const AbortHandle task = set.spawn(give(7));
    while (!task.is_finished()) co_await yield_now();
    std::optional<JoinResult<int>> next;
    while (!next.has_value()) {  // the end is delivered a moment later
      next = set.try_join_next();
      co_await yield_now();
    }
    EXPECT_EQ(*std::move(*next), 7);
    EXPECT_FALSE(set.try_join_next().has_value());
  });
}

TEST_P(JoinSetTest, AChildThatThrows) {
  runtime().block_on([]() -> Task<> {
    JoinSet<int> set;
    set.spawn(fail());
    auto next = co_await set.join_next();
    EXPECT_THROW((void)std::move(*next).value(), std::runtime_error);
  });
}

TEST_P(JoinSetTest, AbortAllGivesCancelled) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    JoinSet<int> set;
    for (int i = 0; i < 10; ++i) set.spawn(never(alive));
    for (int i = 0; i < 10; ++i) set.spawn(wait_for_ever(alive));
    set.spawn(give(1)).abort();
    set.abort_all();
    int joined = 0;
    while (auto next = co_await set.join_next()) ++joined;
    EXPECT_EQ(joined, 21);
    EXPECT_EQ(alive, 0);
    // It goes on.
    set.spawn(give(7));
    EXPECT_EQ(*std::move(*co_await set.join_next()), 7);
  });
}

TEST_P(JoinSetTest, ShutdownWaitsForTheEnd) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    JoinSet<int> set;
    for (int i = 0; i < 10; ++i) set.spawn(never(alive));
    for (int i = 0; i < 10; ++i) set.spawn(wait_for_ever(alive));
    co_await yield_now();
    co_await set.shutdown();
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(set.is_empty());
  });
}

TEST_P(JoinSetTest, DroppingAbortsAll) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    {
      JoinSet<int> set;
      for (int i = 0; i < 10; ++i) set.spawn(never(alive));
      for (int i = 0; i < 10; ++i) set.spawn(give(i));
      set.spawn(fail());
      co_await yield_now();
      JoinSet<int> moved = std::move(set);
      set = JoinSet<int>();
      for (int i = 0; i < 10; ++i) set.spawn(wait_for_ever(alive));
      co_await yield_now();
    }
    while (alive > 0) co_await yield_now();
  });
}

TEST_P(JoinSetTest, DetachAllLetsThemGoOn) {
  Alive::Count alive = 0;
  std::atomic<int> ended = 0;
  runtime().block_on([&]() -> Task<> {
    sync::Event event;
    auto task = [](sync::Event& event, Alive::Count& alive,
                   std::atomic<int>& ended) -> Task<> {
      Alive here(alive);
      co_await event.wait();
      ++ended;
    };
    {
      JoinSet<> set;
      for (int i = 0; i < 10; ++i) set.spawn(task(event, alive, ended));
      while (alive < 10) co_await yield_now();
      set.detach_all();
      EXPECT_TRUE(set.is_empty());
      set.spawn(task(event, alive, ended));
      EXPECT_EQ(set.len(), 1u);
      while (alive < 11) co_await yield_now();
    }
    while (alive > 10) co_await yield_now();
    event.set();
    while (alive > 0) co_await yield_now();
  });
  EXPECT_EQ(ended, 10);
}

// D4, D5: a join_next() that is dropped, or polled for nothing, loses nothing.
TEST_P(JoinSetTest, JoinNextIsCancelSafe) {
  runtime().block_on([]() -> Task<> {
    JoinSet<int> set;
    sync::Event event;
    for (int i = 0; i < 100; ++i) set.spawn(give_after(event, 1));
    for (int i = 0; i < 10; ++i) {
      auto first = co_await select_biased(yield_now(), set.join_next());
      EXPECT_EQ(first.index(), 0u);
    }
    event.set();
    int sum = 0;
    while (!set.is_empty()) {
      auto first = co_await select_biased(yield_now(), set.join_next());
      if (first.index() == 1) sum += *std::move(*std::get<1>(std::move(first)));
      if (auto next = set.try_join_next()) sum += *std::move(*next);
    }
    EXPECT_EQ(sum, 100);
  });
}

TEST_P(JoinSetTest, ADroppedJoinNextKeepsNoWaker) {
  runtime().block_on([]() -> Task<> {
    WakeCounter first, latest;
    JoinSet<int> set;
    sync::Event event;
    set.spawn(give_after(event, 7));
    {
      auto next = set.join_next();
      for (int i = 0; i < 1'000; ++i) {
        EXPECT_TRUE(next.poll(first.context()).is_pending());
      }
      EXPECT_TRUE(next.poll(latest.context()).is_pending());
      EXPECT_EQ(first.kept_wakers(), 0);
      EXPECT_EQ(latest.kept_wakers(), 1);
    }
    EXPECT_EQ(latest.kept_wakers(), 0);
    event.set();
    EXPECT_EQ(*std::move(*co_await set.join_next()), 7);
    EXPECT_EQ(first.wakes() + latest.wakes(), 0);
    co_await set.shutdown();
  });
}

// The cost of a join does not depend on the number of tasks: that many would
// not end else.
TEST_P(JoinSetTest, AHundredThousandChildren) {
  const bool is_large = !EDDY_TSAN && !EDDY_ASAN && GetParam() <= 2;
  const int tasks = is_large ? 100'000 : 10'000;
  runtime().block_on([tasks]() -> Task<> {
    sync::Event event;
    JoinSet<int> set;
    for (int i = 0; i < tasks; ++i) set.spawn(give_after(event, 1));
    EXPECT_FALSE(set.try_join_next().has_value());
    event.set();
    int sum = 0;
    while (auto next = co_await set.join_next()) sum += *std::move(*next);
    EXPECT_EQ(sum, tasks);
  });
}

Task<> use_a_set(Alive::Count& alive) {
  Alive here(alive);
  JoinSet<int> set;
  set.spawn(wait_for_ever(alive));
  for (int i = 0; i < 3; ++i) set.spawn(give(i));
  for (int i = 0; i < 3; ++i) (void)co_await set.join_next();
  co_await yield_now();
  co_await set.shutdown();
}

// D4: aborted after the k-th poll, for every k until the end.
TEST_P(JoinSetTest, AnOwnerThatIsAbortedAnywhere) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    bool ended = false;
    for (int k = 1; !ended; ++k) {
      auto owner = spawn(testing::AbortAfter(use_a_set(alive), k));
      ended = (co_await owner).has_value();
      while (alive > 0) co_await yield_now();
    }
  });
}

TEST_P(JoinSetTest, SpawnedAfterTheRuntimeHasShutDown) {
  Handle handle = runtime().handle();
  (void)runtime().shutdown_timeout(kShutdownBound);
  {
    auto guard = handle.enter();
    JoinSet<int> set;
    set.spawn(give(7));
    EXPECT_EQ(set.len(), 1u);
    auto next = set.try_join_next();
    EXPECT_TRUE(next.has_value() && next->is_cancelled());
    set.spawn(give(8));
  }
  forget(runtime());
}

TEST_P(JoinSetTest, SpawnedOnAnotherRuntime) {
  Runtime& other = start(builder());
  sync::Event over;
  std::thread there(
      [&] { other.block_on([&]() -> Task<> { co_await over.wait(); }); });
  const Handle handle = other.handle();
  JoinSet<int> set;
  JoinMap<int, int> map;
  TaskTracker tracker;
  set.spawn_on(handle, give(1));  // from a thread that is in none
  runtime().block_on([&]() -> Task<> {
    set.spawn(give(2));
    map.spawn_on(handle, 7, give(3));
    auto tracked = tracker.spawn_on(handle, give(4));
    tracker.close();
    int sum = 0;
    while (auto next = co_await set.join_next()) sum += *std::move(*next);
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(*std::move((co_await map.join_next())->second), 3);
    co_await tracker.wait();
    EXPECT_EQ((co_await tracked).value(), 4);
  });
  EXPECT_EQ(ledger(other).spawned(), 3u);
  over.set();
  there.join();
  stop(other);
}

// A set that outlives its runtime, and one whose tasks it ends.
TEST_P(JoinSetTest, TheRuntimeShutsDown) {
  Alive::Count alive = 0;
  JoinSet<int> set;
  Runtime& other = start(builder());
  other.block_on([&]() -> Task<> {
    set.spawn(wait_for_ever(alive));
    set.spawn(never(alive));
    co_await yield_now();
  });
  stop(other);
  EXPECT_EQ(alive, 0);
  int cancelled = 0;
  while (auto next = set.try_join_next()) cancelled += next->is_cancelled();
  EXPECT_EQ(cancelled, 2);
}

// D3
struct ThrowsInTheEnd {
  explicit ThrowsInTheEnd(bool armed) : armed(armed) {}
  ThrowsInTheEnd(ThrowsInTheEnd&& other) noexcept
      : armed(std::exchange(other.armed, false)) {}
  ~ThrowsInTheEnd() noexcept(false) {
    if (armed) throw std::runtime_error("in a destructor");
  }
  bool armed;
};

TEST_P(JoinSetTest, OutcomesWithDestructorsThatThrow) {
  runtime().block_on([]() -> Task<> {
    auto make = []() -> Task<ThrowsInTheEnd> {
      co_return ThrowsInTheEnd(true);
    };
    JoinSet<ThrowsInTheEnd> set;
    set.spawn(make());
    auto next = co_await set.join_next();
    ThrowsInTheEnd value = *std::move(*next);
    value.armed = false;
    set.spawn(make());  // dropped unread
    co_await yield_now();
  });
}

// --- JoinMap -----------------------------------------------------------------

class JoinMapTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(JoinMapTest);

TEST_P(JoinMapTest, OutcomesComeWithTheirKeys) {
  runtime().block_on([]() -> Task<> {
    JoinMap<std::string, int> map;
    for (int i = 0; i < 100; ++i) map.spawn(std::to_string(i), give(i));
    EXPECT_EQ(map.len(), 100u);
    EXPECT_TRUE(map.contains("7"));
    int sum = 0;
    while (auto next = co_await map.join_next()) {
      EXPECT_EQ(next->first, std::to_string(*std::move(next->second)));
      EXPECT_FALSE(map.contains(next->first));
      ++sum;
    }
    EXPECT_EQ(sum, 100);
    EXPECT_TRUE(map.is_empty());
  });
}

TEST_P(JoinMapTest, TheNextTaskOfAKeyReplacesTheOneBefore) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    JoinMap<int, int> map;
    map.spawn(1, wait_for_ever(alive));
    map.spawn(1, give(-1));
    map.spawn(1, give(7));
    map.spawn(2, wait_for_ever(alive));
    EXPECT_EQ(map.len(), 2u);
    auto next = co_await map.join_next();
    EXPECT_EQ(next->first, 1);
    EXPECT_EQ(*std::move(next->second), 7);
    EXPECT_TRUE(map.abort(2));
    EXPECT_FALSE(map.abort(1));
    next = co_await map.join_next();
    EXPECT_TRUE(next->second.is_cancelled());
    EXPECT_FALSE((co_await map.join_next()).has_value());
    while (alive > 0) co_await yield_now();
  });
}

TEST_P(JoinMapTest, ShutdownWaitsForThoseThatWereReplacedToo) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    JoinMap<int, int> map;
    for (int i = 0; i < 20; ++i) map.spawn(i % 3, wait_for_ever(alive));
    std::vector<int> keys;
    map.for_each_key([&](int key) { keys.push_back(key); });
    std::sort(keys.begin(), keys.end());
    EXPECT_EQ(keys, (std::vector<int>{0, 1, 2}));
    co_await yield_now();
    co_await map.shutdown();
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(map.is_empty());
    map.spawn(1, give(1));
    map.detach_all();
    EXPECT_FALSE(map.contains(1));
    map.spawn(1, give(1));  // aborted
  });
}

// --- TaskTracker -------------------------------------------------------------

class TaskTrackerTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(TaskTrackerTest);

TEST_P(TaskTrackerTest, WaitsUntilNoTaskIsLeft) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    sync::Event event;
    TaskTracker tracker;
    auto task = [](sync::Event& event, Alive::Count& count) -> Task<> {
      Alive alive(count);
      co_await event.wait();
    };
    for (int i = 0; i < 100; ++i) tracker.spawn(task(event, alive)).detach();
    EXPECT_EQ(tracker.len(), 100u);
    EXPECT_TRUE(tracker.close());
    EXPECT_FALSE(tracker.close());
    event.set();
    co_await tracker.wait();
    EXPECT_EQ(alive, 0);
    EXPECT_TRUE(tracker.is_empty());
  });
}

TEST_P(TaskTrackerTest, AnAbortedTaskIsNoLongerTracked) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    TaskTracker tracker;
    auto handle = tracker.spawn(wait_for_ever(alive));
    co_await yield_now();
    tracker.close();
    handle.abort();
    co_await tracker.wait();
    EXPECT_EQ(alive, 0);
    std::move(handle).detach();
  });
}

TEST(TaskTracker, WaitNeedsTheClose) {
  TaskTracker tracker;
  const TaskTracker copy = tracker;
  WakeCounter waker;
  auto wait = tracker.wait();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  {
    auto token = copy.token();
    EXPECT_EQ(tracker.len(), 1u);
    EXPECT_TRUE(tracker.close());
    EXPECT_TRUE(tracker.is_closed());
    EXPECT_TRUE(wait.poll(waker.context()).is_pending());
    EXPECT_EQ(waker.wakes(), 0);
    EXPECT_TRUE(tracker.reopen());
  }
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_TRUE(tracker.close());
  EXPECT_EQ(waker.wakes(), 1);
  // It was so for a moment, which the wait has seen.
  auto late = tracker.token();
  EXPECT_TRUE(wait.poll(waker.context()).is_ready());
  EXPECT_TRUE(tracker.wait().poll(waker.context()).is_pending());
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(TaskTracker, TracksAFutureThatIsNoTask) {
  TaskTracker tracker;
  tracker.close();
  WakeCounter waker;
  {
    auto tracked = tracker.track(give(7));
    EXPECT_EQ(tracker.len(), 1u);
    auto moved = std::move(tracked);
    EXPECT_EQ(tracker.len(), 1u);
    EXPECT_EQ(*moved.poll(waker.context()), 7);
    EXPECT_EQ(tracker.len(), 1u);
  }
  EXPECT_TRUE(tracker.wait().poll(waker.context()).is_ready());
}

}  // namespace
}  // namespace eddy
