// block_on() on every flavor: from several threads at once, from the wrong
// place, and the hand-over of a current-thread runtime.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class BlockOn : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(BlockOn);

Task<int> spawn_some(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    sum += (co_await spawn([]() -> Task<int> {
             co_await yield_now();
             co_return 1;
           })).value();
  }
  co_return sum;
}

TEST_P(BlockOn, FromSeveralThreadsAtOnce) {
  Runtime& runtime = this->runtime();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, handle = runtime.handle()] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(handle.block_on(spawn_some(10)), 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Whoever holds the core of a current-thread runtime leaves; one that waits
// takes it, since the tasks that it joins would not run otherwise.
TEST_P(BlockOn, TheCoreIsHandedOver) {
  Runtime& runtime = this->runtime();
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> second_waits{false};
    JoinHandle<void> task = runtime.spawn([&]() -> Task<> {
      for (int i = 0; i < 100; ++i) co_await yield_now();
      co_await time::sleep(1ms);
    });
    std::thread first([&] {
      runtime.block_on([&]() -> Task<> {
        while (!second_waits.load()) co_await yield_now();
      });
    });
    std::thread second([&] {
      runtime.block_on([&]() -> Task<> {
        second_waits.store(true);
        (co_await task).value();
      });
    });
    first.join();
    second.join();
  }
}

// The future of a block_on() that does not hold the core is woken by what
// others run.
TEST_P(BlockOn, TimersWakeEveryWaiter) {
  Runtime& runtime = this->runtime();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      runtime.block_on(time::sleep((1 + t) * 1ms));
      runtime.block_on(time::sleep((4 - t) * 1ms));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(BlockOn, FromAJob) {
  const int value = runtime().block_on([]() -> Task<int> {
    Handle here = Handle::current();
    // Not a temporary in the co_await expression: g++ 12 would destroy what the
    // lambda captures twice.
    JoinHandle<int> job =
        spawn_blocking([here] { return here.block_on(spawn_some(5)); });
    co_return (co_await job).value();
  });
  EXPECT_EQ(value, 5);
}

TEST_P(BlockOn, TheFutureIsDestroyedInsideTheRuntime) {
  struct Careless {
    using Output = void;
    Careless() {}
    Careless(Careless&& other) noexcept
        : active(std::exchange(other.active, false)) {}
    ~Careless() {
      if (active) {
        EXPECT_TRUE(Handle::try_current().has_value());
      }
    }
    bool active = true;
    Poll<void> poll(Context&) { return kReady; }
  };
  runtime().block_on(Careless());
}

TEST_P(BlockOn, OnAReference) {
  int number = 5;
  const auto refer = [&number]() -> Task<int&> { co_return number; };
  EXPECT_EQ(&runtime().block_on(refer), &number);
}

TEST_P(BlockOn, AnotherRuntimeFromAJob) {
  Runtime& other = start(builder());
  const int value =
      runtime().block_on([handle = other.handle()]() -> Task<int> {
        JoinHandle<int> job =
            spawn_blocking([handle] { return handle.block_on(spawn_some(5)); });
        co_return (co_await job).value();
      });
  EXPECT_EQ(value, 5);
}

// C2
using BlockOnDeathTest = BlockOn;
EDDY_FOR_EACH_FLAVOR(BlockOnDeathTest);

TEST_P(BlockOnDeathTest, InsideATask) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Runtime mine = *builder().build();
        mine.block_on(mine.spawn([]() -> Task<> {
              Handle::current().block_on(yield_now());
              co_return;
            }))
            .value();
      },
      "co_await the future, or call it in spawn_blocking");
}

TEST_P(BlockOnDeathTest, InsideABlockOn) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Runtime mine = *builder().build();
        Runtime other = *builder().build();
        mine.block_on([&]() -> Task<> {
          other.block_on(yield_now());
          co_return;
        });
      },
      "co_await the future, or call it in spawn_blocking");
}

TEST_P(BlockOnDeathTest, SpawnOutsideOfARuntime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH((void)spawn(spawn_some(1)), "spawn.. outside of a runtime");
  EXPECT_DEATH((void)Handle::current(), "Handle::current.. outside");
}

class SpawnLocal : public testing::RuntimeTest {};

TEST_F(SpawnLocal, RunsOnThisThreadAlone) {
  Runtime& runtime = start(Builder::current_thread());
  runtime.block_on([]() -> Task<> {
    const auto me = std::this_thread::get_id();
    auto shared = std::make_unique<int>(0);  // guarded by nothing
    std::vector<JoinHandle<void>> tasks;
    for (int i = 0; i < 20; ++i) {
      tasks.push_back(spawn_local([&shared, me]() -> Task<> {
        for (int n = 0; n < 10; ++n) {
          EXPECT_EQ(std::this_thread::get_id(), me);
          ++*shared;
          co_await yield_now();
        }
      }));
    }
    for (auto& task : tasks) (co_await task).value();
    EXPECT_EQ(*shared, 200);
  });
  std::thread([&] { runtime.block_on(yield_now()); }).join();  // free again
}

TEST_F(SpawnLocal, WhatIsLeftIsDestroyedHere) {
  struct Local {
    std::thread::id home = std::this_thread::get_id();
    ~Local() { EXPECT_EQ(std::this_thread::get_id(), home); }
  };
  Runtime& runtime = start(Builder::current_thread());
  runtime.block_on([]() -> Task<> {
    spawn_local([]() -> Task<> {
      Local local;
      co_await time::sleep(1h);
    }).detach();
    for (int i = 0; i < 3; ++i) co_await yield_now();
  });
}

// A fatal exception on another thread does not end it there.
TEST_F(SpawnLocal, AForeignExceptionEndsItHere) {
  struct Local {
    std::thread::id home = std::this_thread::get_id();
    ~Local() { EXPECT_EQ(std::this_thread::get_id(), home); }
  };
  Runtime& runtime = start(Builder::current_thread().unhandled_exception(
      UnhandledException::kShutdown));
  EXPECT_THROW(runtime.block_on([]() -> Task<> {
    spawn_local([]() -> Task<> {
      Local local;
      co_await time::sleep(1h);
      for (;;) co_await yield_now();
    }).detach();
    co_await yield_now();
    auto detached = std::make_shared<std::atomic<bool>>(false);
    spawn_blocking([detached] {
      while (!detached->load()) std::this_thread::yield();
      throw 7;
    }).detach();
    detached->store(true);
    for (;;) co_await time::sleep(1ms);
  }),
               int);
}

TEST_F(SpawnLocal, MisuseDies) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto nothing = []() -> Task<> { co_return; };
  EXPECT_DEATH(
      {
        Runtime mine = *Builder::multi_thread().worker_threads(1).build();
        mine.block_on([&]() -> Task<> {
          (void)spawn_local(nothing);
          co_return;
        });
      },
      "use spawn\\(\\), or Builder::current_thread");
  EXPECT_DEATH(
      {
        Runtime mine = *Builder::current_thread().build();
        auto inside = mine.enter();
        (void)spawn_local(nothing);
      },
      "call it inside that thread's block_on");
}

TEST_F(SpawnLocal, RunByAnotherThreadDies) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto leave_one = [](Runtime& runtime) {
    runtime.block_on([]() -> Task<> {
      spawn_local([]() -> Task<> { co_await time::sleep(1h); }).detach();
      for (int i = 0; i < 3; ++i) co_await yield_now();
    });
  };
  EXPECT_DEATH(
      {
        Runtime mine = *Builder::current_thread().build();
        leave_one(mine);
        std::thread([&] { mine.block_on(yield_now()); }).join();
      },
      "do it on the thread that spawned them");
  EXPECT_DEATH(
      {
        Runtime mine = *Builder::current_thread().build();
        leave_one(mine);
        std::thread([&] { mine.shutdown_timeout(1s); }).join();
      },
      "do it on the thread that spawned them");
}

}  // namespace
}  // namespace eddy
