#include "runtime/groups/scope.h"

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

class ScopeTest : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(ScopeTest);

TEST_P(ScopeTest, ChildrenBorrowFromTheCaller) {
  runtime().block_on([]() -> Task<> {
    std::atomic<int> sum = 0;
    co_await scope([&](Scope& scope) {
      for (int i = 0; i < 100; ++i) scope.spawn(add_after(i % 4, sum, 1));
    });
    EXPECT_EQ(sum, 100);
  });
}

TEST_P(ScopeTest, GivesWhatItsBodyGives) {
  runtime().block_on([]() -> Task<> {
    std::atomic<int> sum = 0;
    auto body = [&](Scope& scope) -> Task<std::unique_ptr<int>> {
      scope.spawn(add_after(5, sum, 1));
      co_await yield_now();
      scope.spawn([&] { return add_after(5, sum, 2); });
      co_return std::make_unique<int>(7);
    };
    auto value = co_await scope(body);
    EXPECT_EQ(*value, 7);
    EXPECT_EQ(sum, 3);
    auto by_reference = [&](Scope&) -> Task<std::atomic<int>&> {
      co_return sum;
    };
    EXPECT_EQ(&co_await scope(by_reference), &sum);
    co_await scope([](Scope&) {});
  });
}

Task<> spawn_others(Scope& scope, std::atomic<int>& sum, int depth) {
  ++sum;
  if (depth == 0) co_return;
  scope.spawn(spawn_others(scope, sum, depth - 1));
  co_await yield_now();
  scope.spawn(spawn_others(scope, sum, depth - 1));
}

TEST_P(ScopeTest, ChildrenSpawnChildren) {
  runtime().block_on([]() -> Task<> {
    std::atomic<int> sum = 0;
    co_await scope(
        [&](Scope& scope) { scope.spawn(spawn_others(scope, sum, 7)); });
    EXPECT_EQ(sum, 255);
  });
}

TEST_P(ScopeTest, ScopesNest) {
  runtime().block_on([]() -> Task<> {
    std::atomic<int> sum = 0;
    co_await nest(sum, 6);
    EXPECT_EQ(sum, 127);
  });
}

TEST_P(ScopeTest, AChildThatThrowsEndsTheOthers) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto body = [&](Scope& scope) -> Task<> {
      for (int i = 0; i < 10; ++i) scope.spawn(spin_for_ever(alive));
      for (int i = 0; i < 10; ++i) scope.spawn(wait_for_ever(alive));
      co_await yield_now();
      scope.spawn(fail_after(3));
      co_await wait_for_ever(alive);
    };
    EXPECT_THROW(co_await scope(body), std::runtime_error);
    EXPECT_EQ(alive, 0);
  });
}

TEST_P(ScopeTest, AChildThatThrowsAfterTheBodyHasEnded) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto body = [&](Scope& scope) {
      scope.spawn(wait_for_ever(alive));
      scope.spawn(fail_after(3));
    };
    EXPECT_THROW(co_await scope(body), std::runtime_error);
    EXPECT_EQ(alive, 0);
    // The only child.
    EXPECT_THROW(
        co_await scope([](Scope& scope) { scope.spawn(fail_after(0)); }),
        std::runtime_error);
  });
}

TEST_P(ScopeTest, ABodyThatThrowsEndsTheChildren) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto coroutine = [&](Scope& scope) -> Task<> {
      scope.spawn(wait_for_ever(alive));
      co_await yield_now();
      throw std::logic_error("the body failed");
    };
    EXPECT_THROW(co_await scope(coroutine), std::logic_error);
    EXPECT_EQ(alive, 0);
    auto function = [&](Scope& scope) {
      scope.spawn(spin_for_ever(alive));
      throw std::logic_error("the body failed");
    };
    EXPECT_THROW(co_await scope(function), std::logic_error);
    EXPECT_EQ(alive, 0);
  });
}

// A future whose destructor throws.
class ThrowingFuture {
 public:
  using Output = void;
  explicit ThrowingFuture(int turns) : turns_(turns) {}
  ThrowingFuture(ThrowingFuture&& other) noexcept
      : turns_(std::exchange(other.turns_, -1)) {}
  ~ThrowingFuture() noexcept(false) {
    if (turns_ >= 0) throw std::logic_error("destructor");
  }
  Poll<void> poll(Context& cx) {
    if (turns_ == 0) return kReady;
    --turns_;
    return cx.yield();
  }

 private:
  int turns_;
};

// D2
TEST_P(ScopeTest, ADestructorThatThrowsFailsTheScope) {
  runtime().block_on([]() -> Task<> {
    auto body = [](Scope& scope) { scope.spawn(ThrowingFuture(2)); };
    EXPECT_THROW(co_await scope(body), std::logic_error);
    auto pending = [](Scope& scope) { scope.spawn(ThrowingFuture(1'000'000)); };
    (void)co_await select_biased(scope(pending), yield_now());
  });
}

struct SpawnsInTheEnd {
  Scope& scope;
  Alive::Count& alive;
  ~SpawnsInTheEnd() { scope.spawn(wait_for_ever(alive)); }
};

TEST_P(ScopeTest, WhenItIsOverNothingIsSpawned) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    auto body = [&](Scope& scope) {
      scope.spawn([&]() -> Task<> {
        SpawnsInTheEnd late{scope, alive};
        co_await wait_for_ever(alive);
      });
      scope.spawn(fail_after(5));
    };
    EXPECT_THROW(co_await scope(body), std::runtime_error);
    EXPECT_EQ(alive, 0);
    auto late = [&](Scope& scope) {
      scope.spawn([&]() -> Task<> {
        SpawnsInTheEnd late{scope, alive};
        co_await wait_for_ever(alive);
      });
    };
    (void)co_await select_biased(scope(late), [&]() -> Task<> {
      for (int i = 0; i < 3; ++i) co_await yield_now();
    });
    EXPECT_EQ(alive, 0);
  });
}

TEST_P(ScopeTest, AbortAllIsNoFailure) {
  Alive::Count alive = 0;
  runtime().block_on([&]() -> Task<> {
    std::atomic<int> sum = 0;
    std::atomic<bool> aborted = false;
    auto body = [&](Scope& scope) -> Task<> {
      for (int i = 0; i < 10; ++i) scope.spawn(wait_for_ever(alive));
      scope.spawn([&]() -> Task<> {
        scope.abort_all();  // itself included
        aborted = true;
        co_await yield_now();
        ADD_FAILURE() << "goes on after it was aborted";
      });
      while (!aborted || alive > 0) co_await yield_now();
      scope.spawn(add_after(3, sum, 1));
    };
    co_await scope(body);
    EXPECT_EQ(sum, 1);
  });
}

}  // namespace
}  // namespace eddy
