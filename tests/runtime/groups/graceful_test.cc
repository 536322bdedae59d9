// spawn_graceful(), and JoinHandle::abort_and_wait(). The clock is paused: time
// moves on when nothing else can.
#include "runtime/groups/graceful.h"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "sync/event.h"
#include "tests/runtime/groups/alive.h"
#include "tests/support/abort_after.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Alive;

Task<> wait_for_ever(Alive::Count& count) {
  Alive alive(count);
  sync::Event event;
  co_await event.wait();
}

class Graceful : public testing::FlavorTest {
 protected:
  template <class Main>
  void run_paused(Main main) {
    Runtime& paused = start(builder().start_paused());
    paused.block_on(std::move(main));
    stop(paused);
  }
};
EDDY_FOR_EACH_FLAVOR(Graceful);

// What it was asked for, and what it did, in its order.
struct Log {
  Alive::Count alive{0};
  bool cleaned_up = false;
};

Task<int> serve(Log& log, std::chrono::milliseconds clean_up) {
  auto stop = this_task::cancellation_token();
  EXPECT_FALSE(stop.is_cancelled());
  auto served = co_await stop.run_until_cancelled(wait_for_ever(log.alive));
  EXPECT_FALSE(served.has_value());
  EXPECT_TRUE(this_task::cancellation_token().is_cancelled());
  EXPECT_EQ(log.alive, 0);
  Alive alive(log.alive);
  co_await time::sleep(clean_up);
  log.cleaned_up = true;
  co_return 7;
}

TEST_P(Graceful, TheTaskCleansUp) {
  Log log;
  run_paused([&]() -> Task<> {
    auto handle = spawn_graceful(serve(log, 100ms));
    co_await time::sleep(1ms);
    const auto began = time::now();
    auto outcome = co_await handle.abort_and_wait(5s);
    EXPECT_EQ(*std::move(outcome), 7);
    EXPECT_LT(time::now() - began, 200ms);
  });
  EXPECT_TRUE(log.cleaned_up);
}

TEST_P(Graceful, AfterTheGraceTimeItIsDestroyed) {
  Log log;
  run_paused([&]() -> Task<> {
    auto handle = spawn_graceful(serve(log, 10s));
    co_await time::sleep(1ms);
    const auto began = time::now();
    auto outcome = co_await handle.abort_and_wait(5s);
    EXPECT_TRUE(outcome.is_cancelled());
    EXPECT_EQ(log.alive, 0);
    EXPECT_GE(time::now() - began, 5s);
    EXPECT_LT(time::now() - began, 6s);
  });
  EXPECT_FALSE(log.cleaned_up);
}

// It asks for nothing, and never awaits the same thing for long.
TEST_P(Graceful, ATaskThatDoesNotListen) {
  Alive::Count alive = 0;
  run_paused([&]() -> Task<> {
    auto deaf = [](Alive::Count& alive) -> Task<> {
      Alive here(alive);
      for (;;) co_await time::sleep(1ms);
    };
    auto handle = spawn_graceful(deaf(alive));
    auto zero = spawn_graceful(wait_for_ever(alive));
    co_await time::sleep(10ms);
    EXPECT_TRUE((co_await zero.abort_and_wait(0s)).is_cancelled());
    EXPECT_TRUE((co_await handle.abort_and_wait(50ms)).is_cancelled());
    EXPECT_EQ(alive, 0);
  });
}

TEST_P(Graceful, AsksBeforeTheFirstPoll) {
  run_paused([]() -> Task<> {
    auto handle = spawn_graceful([]() -> Task<bool> {
      auto stop = this_task::cancellation_token();
      co_await stop.cancelled();
      co_return true;
    });
    handle.request_stop(5s);
    EXPECT_TRUE(handle.token().is_cancelled());
    EXPECT_TRUE(*co_await handle);
  });
}

TEST_P(Graceful, TheFirstGraceTimeCountsAndAnAbortIsAtOnce) {
  Log log;
  run_paused([&]() -> Task<> {
    auto first = spawn_graceful(serve(log, 2s));
    co_await time::sleep(1ms);
    first.request_stop(5s);
    first.request_stop(0s);
    EXPECT_EQ(*(co_await first), 7);
    auto second = spawn_graceful(serve(log, 2s));
    co_await time::sleep(1ms);
    second.request_stop(5s);
    second.abort();
    EXPECT_TRUE((co_await second).is_cancelled());
    EXPECT_EQ(log.alive, 0);
  });
}

// A request that was made is carried out without the handle.
TEST_P(Graceful, DetachedAfterTheRequest) {
  Log log;
  run_paused([&]() -> Task<> {
    auto handle = spawn_graceful(serve(log, 10s));
    co_await time::sleep(1ms);
    handle.request_stop(1s);
    std::move(handle).detach();
    co_await time::sleep(3s);
    EXPECT_EQ(log.alive, 0);
    EXPECT_FALSE(log.cleaned_up);
  });
}

TEST_P(Graceful, ADroppedAbortAndWaitCanBeMadeAgain) {
  Log log;
  run_paused([&]() -> Task<> {
    auto handle = spawn_graceful(serve(log, 2s));
    co_await time::sleep(1ms);
    auto first = co_await select(handle.abort_and_wait(5s), time::sleep(1s));
    EXPECT_EQ(first.index(), 1u);
    EXPECT_FALSE(handle.is_finished());
    EXPECT_EQ(*(co_await handle.abort_and_wait(5s)), 7);
  });
}

TEST_P(Graceful, AskedByAForeignThread) {
  Runtime& runtime = this->runtime();
  auto handle = runtime.block_on([]() -> Task<GracefulHandle<bool>> {
    co_return spawn_graceful([]() -> Task<bool> {
      auto stop = this_task::cancellation_token();
      co_await stop.cancelled();
      co_await yield_now();
      co_return true;
    });
  });
  std::thread other([&handle] { handle.request_stop(1h); });
  EXPECT_TRUE(*runtime.block_on(
      [&]() -> Task<JoinResult<bool>> { co_return co_await handle; }));
  other.join();
}

TEST_P(Graceful, AnotherTaskHasATokenThatNobodyCancels) {
  run_paused([]() -> Task<> {
    EXPECT_FALSE(this_task::cancellation_token().is_cancelled());
    auto outer = spawn_graceful([]() -> Task<bool> {
      co_await this_task::cancellation_token().cancelled();
      auto inner = spawn([]() -> Task<bool> {
        co_return this_task::cancellation_token().is_cancelled();
      });
      co_return *(co_await inner);
    });
    EXPECT_FALSE(*(co_await outer.abort_and_wait(1s)));
  });
}

TEST_P(Graceful, AnExceptionInTheCleanUp) {
  run_paused([]() -> Task<> {
    auto handle = spawn_graceful([]() -> Task<> {
      co_await this_task::cancellation_token().cancelled();
      throw std::runtime_error("in the clean-up");
    });
    auto outcome = co_await handle.abort_and_wait(1s);
    EXPECT_NE(outcome.exception(), nullptr);
  });
}

// D4: aborted after the k-th poll, for every k until the end.
TEST_P(Graceful, AbortedAnywhere) {
  run_paused([]() -> Task<> {
    bool ended = false;
    for (int k = 1; !ended; ++k) {
      Log log;
      auto handle = spawn_graceful(testing::AbortAfter(serve(log, 3ms), k));
      co_await time::sleep(1ms);
      auto outcome = co_await handle.abort_and_wait(1s);
      ended = outcome.has_value() && k > 3;
      EXPECT_EQ(log.alive, 0);
      EXPECT_EQ(log.cleaned_up, outcome.has_value());
    }
  });
}

// --- JoinHandle::abort_and_wait() --------------------------------------------

TEST_P(Graceful, AbortAndWaitWaitsForTheDestruction) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto spin = [](Alive::Count& alive) -> Task<> {
      Alive here(alive);
      for (;;) co_await yield_now();
    };
    for (int i = 0; i < 20; ++i) {
      auto waits = spawn(wait_for_ever(alive));
      auto runs = spawn(spin(alive));
      for (int turns = 0; turns < i % 3; ++turns) co_await yield_now();
      EXPECT_TRUE((co_await waits.abort_and_wait()).is_cancelled());
      EXPECT_TRUE((co_await runs.abort_and_wait()).is_cancelled());
      EXPECT_EQ(alive, 0);
    }
  });
}

TEST_P(Graceful, AbortAndWaitOfWhatHasEndedGivesItsValue) {
  runtime().block_on([]() -> Task<> {
    auto handle = spawn([]() -> Task<int> { co_return 7; });
    while (!handle.is_finished()) co_await yield_now();
    EXPECT_EQ(*(co_await handle.abort_and_wait()), 7);
  });
}

TEST_P(Graceful, ADroppedAbortAndWaitHasAborted) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto handle = spawn(wait_for_ever(alive));
    co_await yield_now();
    auto first = co_await select_biased(handle.abort_and_wait(), yield_now());
    if (first.index() == 1) {
      EXPECT_TRUE((co_await handle).is_cancelled());
    }
  });
  EXPECT_TRUE(testing::eventually([&] { return alive == 0; }));
}

}  // namespace
}  // namespace eddy
