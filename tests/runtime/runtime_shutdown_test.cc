// F1: the end of a runtime, whatever it is busy with, on every flavor: bounded,
// complete, and harmless to those who still hold something of it.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/abort_after.h"
#include "tests/support/block_on.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using blocking::Gate;

// Counts the locals that live: made and destroyed exactly once each.
class Local {
 public:
  explicit Local(std::atomic<int>& alive) : alive_(alive) {
    alive_.fetch_add(1);
  }
  Local(const Local&) = delete;
  ~Local() { alive_.fetch_sub(1); }

 private:
  std::atomic<int>& alive_;
};

class Shutdown : public testing::FlavorTest {
 protected:
  // Gives tasks some turns, on the flavor that has no thread of its own.
  void run_a_little() {
    runtime().block_on([]() -> Task<> {
      for (int i = 0; i < 20; ++i) co_await yield_now();
    });
  }

  std::atomic<int> alive_{0};
};
EDDY_FOR_EACH_FLAVOR(Shutdown);

Task<> sleep_for_ever(std::atomic<int>& alive) {
  Local local(alive);
  for (;;) co_await time::sleep(1h);
}

Task<> yield_for_ever(std::atomic<int>& alive) {
  Local local(alive);
  for (;;) co_await yield_now();
}

Task<> spawn_for_ever(std::atomic<int>& alive) {
  Local local(alive);
  for (;;) {
    spawn(sleep_for_ever(alive)).detach();
    co_await yield_now();
  }
}

TEST_P(Shutdown, WithTimersArmed) {
  for (int i = 0; i < 100; ++i) {
    runtime().spawn(sleep_for_ever(alive_)).detach();
  }
  run_a_little();
  stop(runtime());
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, WithLoopingTasks) {
  for (int i = 0; i < 10; ++i) {
    runtime().spawn(yield_for_ever(alive_)).detach();
  }
  run_a_little();
  stop(runtime());
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, WithASpawningTask) {
  runtime().spawn(spawn_for_ever(alive_)).detach();
  run_a_little();
  stop(runtime());
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, BeforeAnythingRan) {
  for (int i = 0; i < 1000; ++i) {
    runtime().spawn(sleep_for_ever(alive_)).detach();
  }
  stop(runtime());
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, Twice) {
  runtime().spawn(sleep_for_ever(alive_)).detach();
  EXPECT_TRUE(runtime().shutdown_timeout(kShutdownBound).empty());
  EXPECT_TRUE(runtime().shutdown_timeout(kShutdownBound).empty());
  runtime().shutdown_background();
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, ByTheDestructor) {
  {
    absl::StatusOr<Runtime> mine = builder().build();
    ASSERT_TRUE(mine.ok());
    mine->spawn(sleep_for_ever(alive_)).detach();
    *mine = *builder().build();  // ends the first one
    EXPECT_EQ(alive_.load(), 0);
    mine->spawn(yield_for_ever(alive_)).detach();
  }
  EXPECT_EQ(alive_.load(), 0);
}

// Destructors run inside the runtime, wherever the shutdown is called.
TEST_P(Shutdown, DestructorsMaySpawnAndSleep) {
  struct Careless {
    ~Careless() {
      JoinHandle<void> late = spawn([]() -> Task<> { co_return; });
      EXPECT_TRUE(late.is_finished());
      EXPECT_TRUE(Handle::try_current().has_value());
      (void)spawn_blocking([] {});
    }
  };
  const auto careless = []() -> Task<> {
    Careless careless;
    for (;;) co_await time::sleep(1h);
  };
  for (int i = 0; i < 20; ++i) runtime().spawn(careless).detach();
  run_a_little();
}

TEST_P(Shutdown, SpawnAfterwardsIsCancelled) {
  Handle handle = runtime().handle();
  stop(runtime());
  JoinHandle<int> task = handle.spawn([]() -> Task<int> { co_return 1; });
  EXPECT_TRUE(task.is_finished());
  EXPECT_TRUE(testing::block_on(std::move(task)).is_cancelled());
  JoinHandle<int> job = handle.spawn_blocking([] { return 1; });
  EXPECT_TRUE(testing::block_on(std::move(job)).is_cancelled());
}

// E1
TEST_P(Shutdown, WhatIsLeftOfARuntimeIsHarmless) {
  Waker waker;
  std::optional<JoinHandle<int>> done;
  std::optional<JoinHandle<void>> cancelled;
  std::optional<AbortHandle> abort;
  std::optional<Handle> handle;
  {
    absl::StatusOr<Runtime> mine = builder().build();
    ASSERT_TRUE(mine.ok());
    struct Steal {  // gives its waker away
      using Output = void;
      explicit Steal(Waker& waker, std::atomic<bool>& polled)
          : waker(waker), polled(polled) {}
      Waker& waker;
      std::atomic<bool>& polled;
      Poll<void> poll(Context& cx) {
        waker = cx.waker();
        polled.store(true);
        return kPending;
      }
    };
    std::atomic<bool> polled{false};
    handle = mine->handle();
    cancelled = mine->spawn(Steal(waker, polled));
    abort = cancelled->abort_handle();
    done = mine->spawn([]() -> Task<int> { co_return 7; });
    mine->block_on([&]() -> Task<> {
      while (!polled.load() || !done->is_finished()) co_await yield_now();
    });
  }
  waker.wake();
  std::thread([waker] { waker.wake(); }).join();
  std::move(waker).wake();
  abort->abort();
  EXPECT_TRUE(abort->is_finished());
  EXPECT_EQ(testing::block_on(*std::move(done)).value(), 7);
  EXPECT_TRUE(testing::block_on(*std::move(cancelled)).is_cancelled());
  EXPECT_TRUE(handle->spawn([]() -> Task<> { co_return; }).is_finished());
  EXPECT_EQ(handle->metrics().scheduler.live_tasks, 0u);
  EXPECT_EQ(handle->block_on([]() -> Task<int> {
    co_await time::sleep(1h);  // over at once
    co_return 3;
  }),
            3);
}

TEST_P(Shutdown, NamesAStuckJob) {
  auto gate = std::make_shared<Gate>();
  runtime().spawn_blocking([gate] { gate->pass(); }).detach();
  gate->wait_for_arrivals(1);
  const std::vector<std::string> stuck = runtime().shutdown_timeout(10ms);
  ASSERT_EQ(stuck.size(), 1u);
  EXPECT_NE(stuck[0].find("blocking job"), std::string::npos) << stuck[0];
  gate->open();
}

// A poll that blocks. In a current-thread runtime it blocks the thread that is
// in block_on().
TEST_P(Shutdown, NamesAStuckTask) {
  auto gate = std::make_shared<Gate>();
  runtime()
      .spawn_named("walrus",
                   [gate]() -> Task<> {
                     gate->pass();
                     co_return;
                   })
      .detach();
  std::thread runner;
  if (is_current_thread()) {
    runner = std::thread([&, handle = runtime().handle()] {
      handle.block_on([]() -> Task<> { co_await yield_now(); });
    });
  }
  gate->wait_for_arrivals(1);
  const std::vector<std::string> stuck = runtime().shutdown_timeout(10ms);
  ASSERT_EQ(stuck.size(), 1u);
  EXPECT_NE(stuck[0].find("walrus"), std::string::npos) << stuck[0];
  gate->open();
  if (runner.joinable()) runner.join();
  EXPECT_TRUE(testing::eventually(
      [&] { return runtime().metrics().scheduler.live_tasks == 0; }));
}

TEST_P(Shutdown, FromATaskOfItsOwn) {
  auto mine = std::make_shared<std::optional<Runtime>>();
  *mine = *builder().build();
  Handle handle = (*mine)->handle();
  auto done = std::make_shared<std::atomic<bool>>(false);
  auto alive = std::make_shared<std::atomic<int>>(0);
  for (int i = 0; i < 50; ++i) handle.spawn(sleep_for_ever(*alive)).detach();
  handle
      .spawn([mine, done, alive]() -> Task<> {
        for (int i = 0; i < 10; ++i) co_await yield_now();
        mine->reset();
        done->store(true);
        co_await yield_now();
        ADD_FAILURE() << "goes on after its runtime has ended";
      })
      .detach();
  if (is_current_thread()) {
    handle.block_on([done]() -> Task<> {
      while (!done->load()) co_await yield_now();
    });
  }
  EXPECT_TRUE(
      testing::eventually([&] { return done->load() && alive->load() == 0; }));
}

TEST_P(Shutdown, FromAJobOfItsOwn) {
  auto mine = std::make_shared<std::optional<Runtime>>();
  *mine = *builder().build();
  std::atomic<bool> done{false};
  (*mine)->spawn(sleep_for_ever(alive_)).detach();
  (*mine)
      ->spawn_blocking([mine, &done] {
        mine->reset();
        done.store(true);
      })
      .detach();
  EXPECT_TRUE(testing::eventually([&] { return done.load(); }));
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, FromATaskOfAnotherRuntime) {
  Runtime& other = start(Builder::multi_thread().worker_threads(2));
  auto mine = std::make_shared<std::optional<Runtime>>();
  *mine = *builder().build();
  (*mine)->spawn(sleep_for_ever(alive_)).detach();
  other
      .block_on(other.spawn([mine]() -> Task<> {
        mine->reset();
        co_return;
      }))
      .value();
  EXPECT_EQ(alive_.load(), 0);
}

TEST_P(Shutdown, FromItsBlockOn) {
  auto mine = std::make_shared<std::optional<Runtime>>();
  *mine = *builder().build();
  (*mine)->spawn(sleep_for_ever(alive_)).detach();
  Handle handle = (*mine)->handle();
  handle.block_on([mine]() -> Task<> {
    co_await yield_now();
    mine->reset();
    co_await yield_now();
  });
  EXPECT_EQ(alive_.load(), 0);
}

// Whatever is spawned either runs or is cancelled: every join comes to an end.
TEST_P(Shutdown, RacingWithSpawns) {
  for (int round = 0; round < 30; ++round) {
    Runtime& mine = start(builder());
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, handle = mine.handle()] {
        running.fetch_add(1);
        for (bool open = true; open;) {
          JoinHandle<void> task = handle.spawn([]() -> Task<> {
            for (;;) co_await yield_now();
          });
          JoinHandle<int> job = handle.spawn_blocking([] { return 1; });
          open = !task.is_finished();
          (void)testing::block_on(std::move(job));
          task.abort();
          if (!is_current_thread() || !open) {
            EXPECT_TRUE(testing::block_on(std::move(task)).is_cancelled());
          }
        }
      });
    }
    while (running.load() < 3) std::this_thread::yield();
    EXPECT_TRUE(mine.shutdown_timeout(kShutdownBound).empty());
    for (std::thread& thread : threads) thread.join();
    stop(mine);
  }
}

// The same where the shutdown waits for nothing.
TEST_P(Shutdown, InTheBackgroundRacingWithSpawns) {
  for (int round = 0; round < 30; ++round) {
    std::optional<Runtime> mine = *builder().build();
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, handle = mine->handle()] {
        running.fetch_add(1);
        for (bool open = true; open;) {
          JoinHandle<void> task = handle.spawn(sleep_for_ever(alive_));
          open = !task.is_finished();
          task.abort();
          if (!is_current_thread() || !open) {
            EXPECT_TRUE(testing::block_on(std::move(task)).is_cancelled());
          }
        }
      });
    }
    while (running.load() < 3) std::this_thread::yield();
    mine->shutdown_background();
    mine.reset();
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(testing::eventually([&] { return alive_.load() == 0; }))
        << alive_.load() << " tasks were never destroyed";
  }
}

// A task that was admitted, and is queued when nobody looks at the queue any
// more: whoever queues it drops it. Its runtime is gone but for that.
TEST_P(Shutdown, InTheBackgroundWhileATaskIsOnItsWay) {
  auto gate = std::make_shared<Gate>();
  std::optional<Runtime> mine =
      *builder()
           .on_task_spawn([gate](const TaskInfo&) { gate->pass(); })
           .build();
  std::thread late([this, handle = mine->handle()] {
    struct Never {
      using Output = void;
      explicit Never(std::atomic<int>& alive)
          : local(std::make_unique<Local>(alive)) {}
      std::unique_ptr<Local> local;
      Poll<void> poll(Context&) { return kPending; }
    };
    JoinHandle<void> task = handle.spawn(Never(alive_));
    EXPECT_TRUE(testing::block_on(std::move(task)).is_cancelled());
  });
  gate->wait_for_arrivals(1);
  mine->shutdown_background();
  mine.reset();
  gate->open();
  late.join();
  EXPECT_EQ(alive_.load(), 0);
}

// E1: wakers of foreign threads, which keep no runtime, race with its end.
TEST_P(Shutdown, InTheBackgroundRacingWithWakers) {
  struct Shared {
    std::atomic<bool> stop{false};
    base::Mutex mu;
    Waker waker ABSL_GUARDED_BY(mu);
  };
  struct Wait {
    using Output = void;
    explicit Wait(std::shared_ptr<Shared> s, std::atomic<int>& alive)
        : shared(std::move(s)), local(std::make_unique<Local>(alive)) {}
    std::shared_ptr<Shared> shared;
    std::unique_ptr<Local> local;
    Poll<void> poll(Context& cx) {
      Waker old = cx.waker();
      base::MutexLock lock(&shared->mu);
      std::swap(shared->waker, old);
      return kPending;
    }
  };
  for (int round = 0; round < 50; ++round) {
    auto shared = std::make_shared<Shared>();
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([shared] {
        while (!shared->stop.load()) {
          Waker waker;
          {
            base::MutexLock lock(&shared->mu);
            waker = shared->waker;
          }
          waker.wake();
        }
      });
    }
    {
      absl::StatusOr<Runtime> mine = builder().build();
      mine->spawn(Wait(shared, alive_)).detach();
      mine->block_on([]() -> Task<> {
        for (int i = 0; i < 5; ++i) co_await yield_now();
      });
      mine->shutdown_background();
    }
    EXPECT_TRUE(testing::eventually([&] { return alive_.load() == 0; }));
    shared->stop.store(true);
    for (std::thread& thread : threads) thread.join();
  }
}

// D4: aborted after its k-th poll, for every k, a task is destroyed once, with
// all that it waits for.
Task<> inner(std::atomic<int>& alive) {
  Local local(alive);
  for (int i = 0; i < 3; ++i) co_await yield_now();
}

Task<> story(std::atomic<int>& alive, std::atomic<int>& steps) {
  Local local(alive);
  const auto step = [&steps] { steps.fetch_add(1); };
  co_await join(inner(alive), inner(alive));
  step();
  (void)co_await select(time::sleep(1h), inner(alive));
  step();
  (void)co_await time::timeout(1h, inner(alive));
  step();
  co_await time::sleep(1ms);
  step();
  (co_await spawn(inner(alive))).value();
  step();
  (co_await spawn_blocking([] {})).value();
  step();
}

TEST_P(Shutdown, AbortAfterEachPoll) {
  int polls = 1;
  for (std::atomic<int> steps{0}; steps.load() < 6 && polls < 200; ++polls) {
    steps.store(0);
    JoinResult<void> result = runtime().block_on(
        runtime().spawn(testing::AbortAfter(story(alive_, steps), polls)));
    if (!result.is_cancelled()) {
      EXPECT_EQ(steps.load(), 6);
    }
    EXPECT_TRUE(testing::eventually([&] {
      if (alive_.load() > 0) run_a_little();  // detached children
      return alive_.load() == 0;
    }));
  }
  EXPECT_GT(polls, 10);
  EXPECT_LT(polls, 200);
}

// F1: dropped at every point of the same story by the end of the runtime.
TEST_P(Shutdown, AfterEachPoll) {
  for (int turns = 0; turns < 25; ++turns) {
    std::atomic<int> steps{0};
    {
      absl::StatusOr<Runtime> mine = builder().build();
      mine->spawn(story(alive_, steps)).detach();
      mine->block_on([turns]() -> Task<> {
        for (int i = 0; i < turns; ++i) co_await yield_now();
      });
    }
    EXPECT_EQ(alive_.load(), 0) << turns;
  }
}

}  // namespace
}  // namespace eddy
