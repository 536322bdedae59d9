// Tasks on every flavor: spawn, join, abort, detach, from inside and outside.

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class Spawn : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(Spawn);

Task<int> answer() { co_return 42; }

Task<int> fail(std::string why) {
  throw std::runtime_error(why);
  co_return 0;
}

Task<> for_ever() {
  for (;;) co_await time::sleep(1h);
}

struct Counted {  // counts how often it is destroyed
  explicit Counted(std::atomic<int>& count) : ended(&count) {}
  Counted(Counted&& other) noexcept
      : ended(std::exchange(other.ended, nullptr)) {}
  ~Counted() {
    if (ended != nullptr) ended->fetch_add(1);
  }
  std::atomic<int>* ended;
};

Task<> hold(Counted counted) {
  co_await for_ever();
  (void)counted;
}

TEST_P(Spawn, JoinGivesTheValue) {
  EXPECT_EQ(runtime().block_on(answer()), 42);
  EXPECT_EQ(runtime().block_on([]() -> Task<int> {
    co_return (co_await spawn(answer())).value();
  }),
            42);
}

TEST_P(Spawn, JoinFromOutsideOfATask) {
  JoinHandle<int> handle = runtime().spawn(answer());
  EXPECT_EQ(runtime().block_on(std::move(handle)).value(), 42);
}

TEST_P(Spawn, ManyTasksFromATask) {
  const int sum = runtime().block_on([]() -> Task<int> {
    std::vector<JoinHandle<int>> handles;
    for (int i = 0; i < 2000; ++i) handles.push_back(spawn(answer()));
    int sum = 0;
    for (JoinHandle<int>& handle : handles) sum += (co_await handle).value();
    co_return sum;
  });
  EXPECT_EQ(sum, 2000 * 42);
  EXPECT_EQ(ledger(runtime()).spawned(), 2000u);
}

TEST_P(Spawn, EachTaskSpawnsTheNext) {
  struct Chain {
    static Task<int> link(int n) {
      if (n == 0) co_return 0;
      co_return 1 + (co_await spawn(link(n - 1))).value();
    }
  };
  EXPECT_EQ(runtime().block_on(Chain::link(2000)), 2000);
}

TEST_P(Spawn, ForeignThreadsSpawn) {
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, handle = runtime().handle()] {
      std::vector<JoinHandle<void>> tasks;
      for (int i = 0; i < 200; ++i) {
        tasks.push_back(handle.spawn([&]() -> Task<> {
          done.fetch_add(1);
          co_return;
        }));
      }
      for (auto& task : tasks) handle.block_on(std::move(task)).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done.load(), 800);
}

// D2
TEST_P(Spawn, AnExceptionGoesToTheJoiner) {
  JoinResult<int> result = runtime().block_on(runtime().spawn(fail("why")));
  ASSERT_NE(result.exception(), nullptr);
  EXPECT_THROW((void)std::move(result).value(), std::runtime_error);
}

// D2
TEST_P(Spawn, WhatIsThrownNeedNotBeAnException) {
  JoinResult<void> result = runtime().block_on(runtime().spawn([]() -> Task<> {
    throw 7;
    co_return;
  }));
  EXPECT_THROW(std::move(result).value(), int);
}

// D2
TEST_P(Spawn, BlockOnThrowsWhatItsFutureThrows) {
  EXPECT_THROW(runtime().block_on(fail("why")), std::runtime_error);
  EXPECT_EQ(runtime().block_on(answer()), 42);  // goes on
}

TEST_P(Spawn, AbortDestroysTheFutureOnce) {
  std::atomic<int> ended{0};
  JoinHandle<void> task = runtime().spawn(hold(Counted(ended)));
  runtime().block_on(yield_now());
  task.abort();
  EXPECT_TRUE(runtime().block_on(std::move(task)).is_cancelled());
  EXPECT_EQ(ended.load(), 1);
}

TEST_P(Spawn, AbortBeforeTheFirstPoll) {
  runtime().block_on([]() -> Task<> {
    std::atomic<int> ended{0};
    JoinHandle<void> task = spawn(hold(Counted(ended)));
    task.abort();
    EXPECT_TRUE((co_await task).is_cancelled());
    EXPECT_EQ(ended.load(), 1);
  });
}

TEST_P(Spawn, ADetachedTaskGoesOn) {
  std::atomic<bool> done{false};
  runtime().block_on([&]() -> Task<> {
    spawn([&]() -> Task<> {
      co_await yield_now();
      done.store(true);
    }).detach();
    while (!done.load()) co_await yield_now();
  });
}

TEST_P(Spawn, WhatIsLeftIsCancelledAtTheEnd) {
  std::atomic<int> ended{0};
  for (int i = 0; i < 100; ++i) {
    runtime().spawn(hold(Counted(ended))).detach();
  }
  runtime().block_on(yield_now());
  stop(runtime());
  EXPECT_EQ(ended.load(), 100);
}

TEST_P(Spawn, ThisTaskKnowsItsId) {
  EXPECT_EQ(this_task::id(), TaskId());
  runtime().block_on([]() -> Task<> {
    EXPECT_EQ(this_task::id(), TaskId());  // the future of block_on() is none
    JoinHandle<TaskId> task = spawn([]() -> Task<TaskId> {
      const TaskId before = this_task::id();
      co_await yield_now();
      EXPECT_EQ(this_task::id(), before);
      co_return before;
    });
    const TaskId id = task.id();
    EXPECT_EQ((co_await task).value(), id);
  });
}

TEST_P(Spawn, TasksOfTwoRuntimesJoinEachOther) {
  Runtime& other = start(Builder::multi_thread().worker_threads(2));
  const Handle here = runtime().handle();
  const Handle there = other.handle();
  struct PingPong {
    static Task<int> hop(Handle next, Handle after, int n) {
      if (n == 0) co_return 0;
      co_return 1 + (co_await next.spawn(hop(after, next, n - 1))).value();
    }
  };
  EXPECT_EQ(runtime().block_on(PingPong::hop(there, here, 300)), 300);
}

TEST_P(Spawn, HandlesOfTheCurrentRuntime) {
  EXPECT_FALSE(Handle::try_current().has_value());
  runtime().block_on([]() -> Task<> {
    Handle outer = Handle::current();
    JoinHandle<int> task = spawn([]() -> Task<int> {
      co_return (co_await Handle::current().spawn(answer())).value();
    });
    EXPECT_EQ((co_await task).value(), 42);
    JoinHandle<bool> job =
        spawn_blocking([] { return Handle::try_current().has_value(); });
    EXPECT_TRUE((co_await job).value());
  });
  EXPECT_FALSE(Handle::try_current().has_value());
  {
    auto inside = runtime().enter();
    EXPECT_TRUE(Handle::try_current().has_value());
    spawn(answer()).detach();
  }
  EXPECT_FALSE(Handle::try_current().has_value());
}

TEST_P(Spawn, EnterNests) {
  Runtime& other = start(builder());
  auto outer = runtime().enter();
  {
    auto inner = other.enter();
    spawn(answer()).detach();
    EXPECT_EQ(ledger(other).spawned(), 1u);
  }
  spawn(answer()).detach();
  EXPECT_EQ(ledger(runtime()).spawned(), 1u);
}

// Two runtimes, and each has its own tasks: none runs on a thread of the other.
TEST_P(Spawn, AFutureMayBeAnyThingThatPolls) {
  struct Thrice {
    using Output = int;
    explicit Thrice(int start) : polls(start) {}
    int polls;
    Poll<int> poll(Context& cx) {
      if (++polls < 3) return cx.yield();
      return polls;
    }
  };
  EXPECT_EQ(runtime().block_on(Thrice(0)), 3);
  EXPECT_EQ(runtime().block_on(runtime().spawn(Thrice(0))).value(), 3);
}

TEST_P(Spawn, NamesReachTheHooks) {
  std::atomic<int> named{0};
  auto count = [&named](const TaskInfo& task) {
    if (task.name == "walrus") named.fetch_add(1);
  };
  absl::StatusOr<Runtime> mine =
      builder().on_task_spawn(count).on_task_terminate(count).build();
  ASSERT_TRUE(mine.ok());
  EXPECT_EQ(mine->block_on(mine->spawn_named("walrus", answer())).value(), 42);
  EXPECT_EQ(named.load(), 2);
}

}  // namespace
}  // namespace eddy
