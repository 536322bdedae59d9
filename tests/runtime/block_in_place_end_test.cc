// block_in_place() against the ends: of the runtime during the call, and of
// threads whose core went on without them; and what is refused (F1, C3).

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/runtime/blocking/gate.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using blocking::Gate;
using testing::eventually;

void wait_for(const std::atomic<int>& count, int value) {
  EXPECT_TRUE(eventually([&] { return count.load() >= value; }));
}

class BlockInPlace : public testing::FlavorTest {
 protected:
  // Runs a task, on a core.
  template <class Spawnable>
  auto run(Spawnable task) {
    return runtime().block_on(runtime().spawn(std::move(task))).value();
  }
};

// F1: the end of a runtime during the call.
class BlockInPlaceShutdown : public BlockInPlace {
 protected:
  // Spawns a task that passes the gate in a block_in_place(), and runs it until
  // it is there.
  void block_at(const std::shared_ptr<Gate>& gate) {
    auto task = runtime().spawn_named("walrus", [this, gate]() -> Task<> {
      block_in_place([&] { gate->pass(); });
      is_over = true;
      co_await yield_now();
      ADD_FAILURE() << "goes on after its runtime has ended";
    });
    runner_ = std::thread(
        [handle = runtime().handle(), task = std::move(task)]() mutable {
          (void)handle.block_on(std::move(task));
        });
    gate->wait_for_arrivals(1);
  }
  void end_block_on() { runner_.join(); }

  std::atomic<bool> is_over{false};

 private:
  std::thread runner_;
};
EDDY_FOR_EACH_FLAVOR(BlockInPlaceShutdown);

TEST_P(BlockInPlaceShutdown, WaitsForTheCall) {
  auto gate = std::make_shared<Gate>();
  block_at(gate);
  std::thread opener([&] {
    // Once spawn() is refused, the shutdown has begun.
    auto sleeper = []() -> Task<> { co_await time::sleep(1h); };
    EXPECT_TRUE(
        eventually([&] { return runtime().spawn(sleeper).is_finished(); }));
    gate->open();
  });
  EXPECT_TRUE(runtime().shutdown_timeout(kShutdownBound).empty());
  EXPECT_TRUE(is_over);
  opener.join();
  end_block_on();
}

TEST_P(BlockInPlaceShutdown, NamesACallThatDoesNotEnd) {
  auto gate = std::make_shared<Gate>();
  block_at(gate);
  const std::vector<std::string> stuck = runtime().shutdown_timeout(10ms);
  ASSERT_EQ(stuck.size(), 1u);
  EXPECT_NE(stuck[0].find("walrus"), std::string::npos) << stuck[0];
  EXPECT_NE(stuck[0].find("in block_in_place() for "), std::string::npos)
      << stuck[0];
  EXPECT_FALSE(is_over);
  gate->open();
  end_block_on();
  EXPECT_TRUE(eventually(
      [&] { return runtime().metrics().scheduler.live_tasks == 0; }));
  EXPECT_TRUE(is_over);
}

TEST_P(BlockInPlaceShutdown, FromInsideTheCall) {
  auto mine = std::make_shared<std::optional<Runtime>>(*builder().build());
  const Handle handle = (*mine)->handle();
  auto task = handle.spawn([this, mine]() -> Task<> {
    block_in_place([&] { mine->reset(); });
    is_over = true;
    co_await yield_now();
    ADD_FAILURE() << "goes on after its runtime has ended";
  });
  EXPECT_TRUE(handle.block_on(std::move(task)).is_cancelled());
  EXPECT_TRUE(is_over);
}

// --- Threads -----------------------------------------------------------------

class BlockInPlaceThreads : public BlockInPlace {};
EDDY_FOR_EACH_MULTI_THREAD_FLAVOR(BlockInPlaceThreads);

// The thread whose core went on without it takes jobs, and no new one is
// started for them.
TEST_P(BlockInPlaceThreads, AThreadWithoutACoreStaysInThePool) {
  std::atomic<int> ran{0};
  // All cores are held again when the call ends, so that none is free.
  run([&]() -> Task<> {
    spawn([&]() -> Task<> {
      ++ran;
      co_return;
    }).detach();
    block_in_place([&] { wait_for(ran, 1); });
    co_return;
  });
  EXPECT_TRUE(eventually(
      [&] { return runtime().metrics().blocking.idle_threads == 1; }));
  const std::size_t before = testing::ProcessState::now().threads.size();
  auto job = runtime().spawn_blocking([] { return 1; });
  EXPECT_EQ(runtime().block_on(std::move(job)).value(), 1);
  EXPECT_EQ(testing::ProcessState::now().threads.size(), before);
  EXPECT_EQ(runtime().metrics().blocking.threads, 1u);
}

// It leaves after the keep-alive time, as any thread of the pool; and where the
// pool has enough, at once.
TEST_P(BlockInPlaceThreads, NoMoreThreadsStayThanThePoolMayHave) {
  Runtime& mine = start(builder().max_blocking_threads(2));
  const std::size_t before = testing::ProcessState::now().threads.size();
  std::atomic<int> arrived{0};
  mine.block_on([&]() -> Task<> {
    std::vector<JoinHandle<void>> blockers;
    for (int i = 0; i < 30; ++i) {
      blockers.push_back(spawn([&]() -> Task<> {
        block_in_place([&] {
          ++arrived;
          wait_for(arrived, 30);
        });
        co_return;
      }));
    }
    for (auto& blocker : blockers) EXPECT_TRUE((co_await blocker).has_value());
  });
  EXPECT_TRUE(eventually([&] {
    return testing::ProcessState::now().threads.size() <= before + 2;
  }));
  EXPECT_LE(mine.metrics().blocking.peak_threads, 2u);
}

// --- Thread-bound tasks ------------------------------------------------------

class BlockInPlaceRuntimes : public testing::RuntimeTest {};
class BlockInPlaceDeathTest : public testing::RuntimeTest {};

TEST_F(BlockInPlaceDeathTest, WithThreadBoundTasks) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto runtime = *Builder::current_thread().build();
        runtime.block_on([]() -> Task<> {
          auto local =
              spawn_local([]() -> Task<> { co_await time::sleep(1h); });
          block_in_place([] {});
          co_return;
        });
      },
      "spawn_local.*use spawn_blocking");
}

TEST_F(BlockInPlaceDeathTest, AThreadBoundTaskMeanwhile) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto runtime = *Builder::current_thread().build();
        runtime.block_on([]() -> Task<> {
          spawn([]() -> Task<> {
            spawn_local([]() -> Task<> { co_return; }).detach();
            co_return;
          }).detach();
          block_in_place([] { std::this_thread::sleep_for(1h); });
          co_return;
        });
      },
      "spawn_local.*use spawn");
}

// The last call that is left is one of a stand-in, and ends after a shutdown
// that did not wait for it.
TEST_F(BlockInPlaceRuntimes, AStandInThatComesBackToAnEndedRuntime) {
  auto first = std::make_shared<Gate>();
  auto second = std::make_shared<Gate>();
  auto hooks = std::make_shared<int>();
  std::weak_ptr<int> runtime_is_alive = hooks;
  {
    Runtime mine = *Builder::current_thread()
                        .on_thread_start([hooks = std::move(hooks)] {})
                        .build();
    auto blocked = mine.spawn([first]() -> Task<> {
      block_in_place([&] { first->pass(); });
      co_return;
    });
    auto on_stand_in = [first, second]() -> Task<> {
      block_in_place([&] {
        first->open();
        second->pass();
      });
      co_return;
    };
    // Queued behind the one that blocks, and so polled by the stand-in.
    mine.spawn(on_stand_in()).detach();
    (void)mine.block_on(std::move(blocked));
    second->wait_for_arrivals(1);
    EXPECT_EQ(mine.shutdown_timeout(10ms).size(), 1u);
  }
  second->open();
  EXPECT_TRUE(eventually([&] { return runtime_is_alive.expired(); }));
}

}  // namespace
}  // namespace eddy
