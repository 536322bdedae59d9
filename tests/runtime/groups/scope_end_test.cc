// How scopes end that are dropped, and when their runtime ends.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/combinators/select.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/groups/scope.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "sync/event.h"
#include "tests/runtime/groups/alive.h"
#include "tests/runtime/groups/children.h"
#include "tests/support/abort_after.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::add_after;
using testing::Alive;
using testing::fail_after;
using testing::nest;
using testing::spin_for_ever;
using testing::wait_for_ever;
using testing::WakeCounter;

class ScopeEnd : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(ScopeEnd);

// Children that wait, that run, and that are queued and were never polled.
TEST_P(ScopeEnd, ASelectThatItLosesLeavesNoChild) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    for (int turns = 0; turns < 6; ++turns) {
      int borrowed = 0;
      auto body = [&](Scope& scope) -> Task<> {
        scope.spawn(wait_for_ever(alive));
        scope.spawn(spin_for_ever(alive));
        scope.spawn([&]() -> Task<> {
          Alive here(alive);
          for (;;) {
            ++borrowed;
            co_await yield_now();
          }
        });
        co_await wait_for_ever(alive);
      };
      auto first = co_await select_biased(scope(body), [&]() -> Task<> {
        for (int i = 0; i < turns; ++i) co_await yield_now();
      });
      EXPECT_EQ(first.index(), 1u);
      EXPECT_EQ(alive, 0);
      borrowed = -1;
      co_await yield_now();
      EXPECT_EQ(borrowed, -1);
    }
  });
}

TEST_P(ScopeEnd, DroppedBeforeTheFirstPoll) {
  bool called = false;
  {
    auto future = scope([&](Scope&) { called = true; });
    auto moved = std::move(future);
  }
  EXPECT_FALSE(called);
}

Task<> use_scopes(Alive::Count& alive) {
  Alive here(alive);
  std::atomic<int> sum = 0;
  auto body = [&](Scope& scope) -> Task<> {
    scope.spawn(add_after(2, sum, 1));
    scope.spawn(nest(sum, 2));
    co_await yield_now();
    co_await eddy::scope([&](Scope& inner) {
      inner.spawn(add_after(1, sum, 1));
      inner.spawn([&]() -> Task<> { co_await time::sleep(1us); });
    });
  };
  co_await scope(body);
  try {
    co_await scope([&](Scope& scope) {
      scope.spawn(wait_for_ever(alive));
      scope.spawn(fail_after(1));
    });
  } catch (const std::runtime_error&) {
    co_return;
  }
  ADD_FAILURE() << "the exception is lost";
}

// D4: aborted after the k-th poll, for every k until the end.
TEST_P(ScopeEnd, AnOwnerThatIsAbortedAnywhere) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    bool ended = false;
    for (int k = 1; !ended; ++k) {
      auto owner = spawn(testing::AbortAfter(use_scopes(alive), k));
      auto outcome = co_await owner;
      ended = outcome.has_value();
      EXPECT_EQ(outcome.exception(), nullptr);
      EXPECT_EQ(alive, 0) << k;
    }
  });
}

// D5
TEST_P(ScopeEnd, SpuriousPollsAndTheLatestWaker) {
  sync::Event event;
  runtime().block_on([&]() -> Task<> {
    WakeCounter first, latest;
    auto body = [&](Scope& scope) {
      scope.spawn([&]() -> Task<> { co_await event.wait(); });
    };
    auto future = scope(body);
    for (int i = 0; i < 1'000; ++i) {
      EXPECT_TRUE(future.poll(first.context()).is_pending());
    }
    EXPECT_TRUE(future.poll(latest.context()).is_pending());
    EXPECT_EQ(first.kept_wakers(), 0);
    event.set();
    while (latest.wakes() == 0) co_await yield_now();
    EXPECT_EQ(first.wakes(), 0);
    EXPECT_TRUE(future.poll(latest.context()).is_ready());
    EXPECT_EQ(latest.kept_wakers(), 0);
  });
}

// The drop waits for a child whose poll blocks, on another worker.
TEST_P(ScopeEnd, ADropWaitsForThePollInProgress) {
  if (threads() < 2) GTEST_SKIP() << "needs two threads that run tasks";
  for (int round = 0; round < 5; ++round) {
    std::atomic<bool> began = false, touched = false;
    runtime().block_on([&]() -> Task<> {
      auto owner = [&]() -> Task<> {
        std::string borrowed = "untouched";
        auto body = [&](Scope& scope) {
          scope.spawn([&]() -> Task<> {
            began = true;
            std::this_thread::sleep_for(5ms);
            borrowed = "touched by a child, in the frame of its parent";
            touched = true;
            co_await yield_now();
          });
        };
        (void)co_await select_biased(scope(body), [&]() -> Task<> {
          while (!began) co_await yield_now();
        });
        EXPECT_TRUE(touched);
        EXPECT_EQ(borrowed.substr(0, 7), "touched");
      };
      (co_await spawn(owner)).value();
    });
  }
}

// Futures of tasks that wait in the queue of the very worker that drops them.
TEST_P(ScopeEnd, ADropDoesNotWaitForTheQueue) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto owner = [&]() -> Task<> {
      auto body = [&](Scope& scope) {
        for (int i = 0; i < 100; ++i) {
          scope.spawn([&alive, here = std::make_unique<Alive>(alive)] {
            return wait_for_ever(alive);
          });
        }
      };
      WakeCounter waker;
      {
        auto future = scope(body);
        EXPECT_TRUE(future.poll(waker.context()).is_pending());
      }
      EXPECT_EQ(alive, 0);
      co_return;
    };
    (co_await spawn(owner)).value();
  });
}

// --- The end of the runtime --------------------------------------------------

TEST_P(ScopeEnd, TheRuntimeShutsDown) {
  Alive::Count alive = 0;
  Runtime& other = start(builder());
  other
      .spawn([&]() -> Task<> {
        Alive here(alive);
        auto body = [&](Scope& scope) {
          scope.spawn(wait_for_ever(alive));
          scope.spawn(spin_for_ever(alive));
          scope.spawn([&]() -> Task<> {
            auto inner = [&](Scope& scope) {
              scope.spawn(wait_for_ever(alive));
              scope.spawn(spin_for_ever(alive));
            };
            co_await eddy::scope(inner);
          });
        };
        co_await scope(body);
      })
      .detach();
  other.block_on([&]() -> Task<> {
    while (alive < 5) co_await yield_now();
  });
  stop(other);
  EXPECT_EQ(alive, 0);
}

// Its children are cancelled, and block_on() learns why.
TEST_P(ScopeEnd, TheRuntimeShutsDownAroundABlockOn) {
  if (is_current_thread()) GTEST_SKIP() << "its thread is in the block_on()";
  Alive::Count alive = 0;
  Runtime& other = start(builder());
  std::thread end([&] {
    while (alive < 2) std::this_thread::yield();
    (void)other.shutdown_timeout(kShutdownBound);
  });
  auto body = [&](Scope& scope) {
    scope.spawn(wait_for_ever(alive));
    scope.spawn(spin_for_ever(alive));
  };
  auto main = [&]() -> Task<> { co_await scope(body); };
  EXPECT_THROW(other.block_on(main()), TaskCancelled);
  end.join();
  EXPECT_EQ(alive, 0);
  forget(other);
}

TEST_P(ScopeEnd, SpawnedAfterTheRuntimeHasShutDown) {
  Handle handle = runtime().handle();
  (void)runtime().shutdown_timeout(kShutdownBound);
  {
    auto guard = handle.enter();
    Alive::Count alive = 0;
    WakeCounter waker;
    auto future =
        scope([&](Scope& scope) { scope.spawn(wait_for_ever(alive)); });
    EXPECT_THROW((void)future.poll(waker.context()), TaskCancelled);
  }
  forget(runtime());
}

// A child whose poll does not end, while the scope is dropped by the shutdown.
TEST_P(ScopeEnd, ShutdownTimeoutWithAStuckChild) {
  if (is_current_thread()) GTEST_SKIP();
  Runtime& other = start(builder());
  struct Shared {
    std::atomic<bool> stuck{false}, go_on{false};
  } shared;
  other
      .spawn([&shared]() -> Task<> {
        auto body = [&](Scope& scope) {
          scope.spawn([&]() -> Task<> {
            co_await yield_now();
            shared.stuck = true;
            while (!shared.go_on) std::this_thread::sleep_for(1ms);
          });
        };
        co_await scope(body);
      })
      .detach();
  ASSERT_TRUE(testing::eventually([&] { return shared.stuck.load(); }));
  std::thread helper([&] {
    for (int i = 0; i < 1000 && !shared.go_on; ++i) {
      std::this_thread::sleep_for(10ms);
    }
    shared.go_on = true;
  });
  (void)other.shutdown_timeout(50ms);
  EXPECT_FALSE(shared.go_on) << "waited for a child that is stuck";
  shared.go_on = true;
  helper.join();
  EXPECT_TRUE(testing::eventually(
      [&] { return other.metrics().scheduler.live_tasks == 0; }));
  forget(other);
}

// By the exception of a task that it drops, in its poll.
TEST_P(ScopeEnd, AChildClosesTheRuntime) {
  Runtime& other =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  auto child = []() -> Task<> {
    JoinHandle<void> failed = spawn(fail_after(0));
    while (!failed.is_finished()) co_await yield_now();
    std::move(failed).detach();
    co_await yield_now();
  };
  auto main = [&]() -> Task<> {
    (void)co_await spawn([&]() -> Task<> {
      co_await scope([&](Scope& scope) { scope.spawn(child()); });
    });
    for (;;) co_await time::sleep(1ms);
  };
  EXPECT_THROW(other.block_on(main()), std::runtime_error);
}

TEST(ScopeDeathTest, AChildDropsItsOwnScope) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto run = [] {
    Runtime runtime = *Builder::current_thread().build();
    runtime.block_on([]() -> Task<> {
      std::optional<Task<>> owner;
      std::optional<Task<>>& handle = owner;
      owner.emplace([](std::optional<Task<>>& self) -> Task<> {
        auto body = [&](Scope& scope) {
          scope.spawn([&]() -> Task<> {
            self.reset();
            co_return;
          });
        };
        co_await scope(body);
      }(handle));
      co_await *owner;
    });
  };
  EXPECT_DEATH(run(), "dropped by a poll of its own child");
}

// Owners of scopes, each of which has a child that drops another owner.
class Embrace {
 public:
  // Does not return.
  static void run(int owners) {
    Runtime runtime = *Builder::multi_thread().worker_threads(owners).build();
    Embrace embrace(owners);
    runtime.block_on([&]() -> Task<> {
      WakeCounter waker;
      for (auto& owner : embrace.owners_) {
        EXPECT_TRUE(owner->poll(waker.context()).is_pending());
      }
      ++embrace.arrived_;
      co_await wait_for_ever(embrace.alive_);
    });
  }

 private:
  explicit Embrace(int owners) : owners_(owners) {
    for (int i = 0; i < owners; ++i) owners_[i].emplace(own(i));
  }
  Task<> own(int index) {
    auto body = [this, index](Scope& scope) {
      scope.spawn([this, index]() -> Task<> {
        ++arrived_;
        while (arrived_ <= owners_.size()) std::this_thread::yield();
        owners_[(index + 1) % owners_.size()].reset();
        co_return;
      });
    };
    co_await scope(body);
  }

  std::atomic<std::size_t> arrived_ = 0;  // all children, and who polls
  std::vector<std::optional<Task<>>> owners_;
  Alive::Count alive_ = 0;
};

TEST(ScopeDeathTest, ChildrenDropEachOthersScopes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Embrace::run(2), "polls of each other's children");
  EXPECT_DEATH(Embrace::run(3), "polls of each other's children");
}

TEST(ScopeDeathTest, MovedAfterItsFirstPollFailsLoudly) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto future = scope([](Scope&) -> Task<> {
    for (;;) co_await yield_now();
  });
  WakeCounter waker;
  EXPECT_TRUE(future.poll(waker.context()).is_pending());
  EXPECT_DEATH(auto moved = std::move(future), "moved after its first poll");
}

// A child that is polled on another thread needs a core to end its poll, once
// the drop has begun: that ends another child first.
TEST_P(ScopeEnd, WaitsForAChildThatBlocksInPlaceWithoutKeepingItsCore) {
  struct SetAtEnd {
    std::atomic<bool>& flag;
    ~SetAtEnd() { flag = true; }
  };
  std::atomic<bool> is_blocked{false}, is_waiting{false}, is_dropping{false};
  runtime().block_on([&]() -> Task<> {
    auto owner = spawn([&]() -> Task<> {
      co_await scope([&](Scope& scope) {
        scope.spawn([&]() -> Task<> {
          block_in_place([&] {
            is_blocked = true;
            EXPECT_TRUE(
                testing::eventually([&] { return is_dropping.load(); }));
          });
          co_return;
        });
        scope.spawn([&]() -> Task<> {
          const SetAtEnd at_end{is_dropping};
          is_waiting = true;
          co_await time::sleep(1h);
        });
      });
    });
    auto dropper = spawn([&]() -> Task<> {
      while (!is_blocked || !is_waiting) co_await yield_now();
      owner.abort();
    });
    EXPECT_TRUE((co_await dropper).has_value());
    EXPECT_TRUE((co_await owner).is_cancelled());
  });
}

// The body waits, has no child at first, and a part of it that others poll
// starts one.
TEST_P(ScopeEnd, AFailureOfAChildThatAForkedPartStarted) {
  sync::Event go, never;
  runtime().block_on([&]() -> Task<> {
    auto owner = spawn([&]() -> Task<> {
      co_await scope([&](Scope& scope) -> Task<> {
        auto part = [&]() -> Task<> {
          co_await go.wait();
          scope.spawn(fail_after(1));
          co_await never.wait();
        };
        auto other = [&]() -> Task<> { co_await never.wait(); };
        co_await fork_join(part(), other());
      });
    });
    for (int i = 0; i < 10; ++i) co_await yield_now();
    go.set();
    JoinResult<void> ended = co_await owner;
    EXPECT_THROW(std::move(ended).value(), std::runtime_error);
  });
}

}  // namespace
}  // namespace eddy
