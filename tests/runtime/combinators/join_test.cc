#include "runtime/combinators/join.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::as_task;
using testing::Manual;
using testing::Script;
using testing::WakeCounter;

Task<> nothing() { co_return; }
Task<std::unique_ptr<int>> boxed(int value) {
  co_return std::make_unique<int>(value);
}
Task<int&> reference(int* value) { co_return *value; }

TEST(Join, WaitsForAll) {
  WakeCounter waker;
  Script a, b;
  auto both = join(Manual(a), as_task(&b));
  EXPECT_TRUE(both.poll(waker.context()).is_pending());
  b.finish(2);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(both.poll(waker.context()).is_pending());
  EXPECT_TRUE(b.dead) << "a child is destroyed as soon as it is ready";
  EXPECT_FALSE(a.dead);
  a.finish(1);
  EXPECT_EQ(*both.poll(waker.context()), std::tuple(1, 2));
  EXPECT_EQ(b.polls, 2) << "not polled after it was ready";
}

TEST(Join, OutputsOfAllKinds) {
  WakeCounter waker;
  int value = 7;
  auto all = join(nothing(), boxed(42), reference(&value));
  using Output = std::tuple<std::monostate, std::unique_ptr<int>,
                            std::reference_wrapper<int>>;
  static_assert(std::is_same_v<OutputOf<decltype(all)>, Output>);
  Poll<Output> result = all.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_EQ(*std::get<1>(*result), 42);
  EXPECT_EQ(&std::get<2>(*result).get(), &value);
}

TEST(Join, OfNothingIsReady) {
  WakeCounter waker;
  EXPECT_TRUE(join().poll(waker.context()).is_ready());
}

TEST(Join, AFutureByReferenceIsLeftWhereItIs) {
  WakeCounter waker;
  Script a, b;
  Manual kept(a);
  {
    auto both = join(kept, Manual(b));
    EXPECT_TRUE(both.poll(waker.context()).is_pending());
  }
  EXPECT_FALSE(a.dead);
  EXPECT_TRUE(b.dead);
  a.finish(1);
  EXPECT_EQ(*kept.poll(waker.context()), 1);
}

class Immovable {
 public:
  using Output = int;
  explicit Immovable(int value) : value_(value) {}
  Immovable(const Immovable&) = delete;
  Poll<int> poll(Context&) { return value_; }

 private:
  int value_;
};

TEST(Join, ACallableMakesAFutureThatCannotBeMoved) {
  WakeCounter waker;
  auto both = join([] { return Immovable(1); }, [] { return Immovable(2); });
  EXPECT_EQ(*both.poll(waker.context()), std::tuple(1, 2));
}

// A lambda that is a coroutine dies before its frame, unless it is kept.
TEST(Join, ACallableIsKeptAsLongAsItsFuture) {
  WakeCounter waker;
  auto both = join(
      [value = std::make_unique<int>(42)]() -> Task<int> {
        co_await yield_now();
        co_return *value;
      },
      nothing());
  EXPECT_TRUE(both.poll(waker.context()).is_pending());
  EXPECT_EQ(std::get<0>(*both.poll(waker.context())), 42);
}

// D2
TEST(Join, AnExceptionDestroysTheOthersOnTheSpot) {
  WakeCounter waker;
  std::vector<Script*> deaths;
  Script a, b, c;
  a.deaths = b.deaths = c.deaths = &deaths;
  auto all = join(as_task(&a), as_task(&b), Manual(c));
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  a.finish(1);
  b.fail();
  EXPECT_THROW((void)all.poll(waker.context()), std::runtime_error);
  EXPECT_TRUE(a.dead && b.dead && c.dead);
  EXPECT_EQ(c.polls, 1) << "not polled after the exception";
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D4
TEST(Join, DroppedAtEveryStageDestroysEachChildOnce) {
  WakeCounter waker;
  for (int stage = 0; stage <= 3; ++stage) {
    std::vector<Script*> deaths;
    Script a, b;
    a.deaths = b.deaths = &deaths;
    {
      auto both = join(as_task(&a), Manual(b));
      if (stage >= 1) (void)both.poll(waker.context());
      if (stage >= 2) a.finish(1);
      if (stage >= 2) (void)both.poll(waker.context());
      if (stage >= 3) b.finish(2);
      if (stage >= 3) {
        EXPECT_TRUE(both.poll(waker.context()).is_ready());
      }
    }
    // A task that was never polled has made no Manual.
    const std::vector<Script*> expected = stage == 0 ? std::vector<Script*>{&b}
                                          : stage == 1
                                              ? std::vector<Script*>{&b, &a}
                                              : std::vector<Script*>{&a, &b};
    EXPECT_EQ(deaths, expected) << "stage " << stage;
    EXPECT_EQ(waker.kept_wakers(), 0);
  }
}

// D5
TEST(Join, SpuriousPollsChangeNothing) {
  WakeCounter waker;
  Script a, b;
  auto both = join(as_task(&a), as_task(&b));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(both.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.wakes(), 0);
  a.finish(1);
  b.finish(2);
  EXPECT_EQ(*both.poll(waker.context()), std::tuple(1, 2));
}

// D5
TEST(Join, AWakeInsideOfThePollIsKept) {
  WakeCounter waker;
  auto both = join(yield_now(), nothing());
  Context& cx = waker.context();
  EXPECT_TRUE(both.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(both.poll(waker.context()).is_ready());
}

TEST(Join, ChildrenShareTheBudget) {
  WakeCounter waker;
  class Spender {
   public:
    using Output = void;
    explicit Spender(int& polls) : polls_(polls) {}
    Poll<void> poll(Context& cx) {
      if (!cx.has_budget()) return cx.yield();
      cx.spend();
      ++polls_;
      return kReady;
    }

   private:
    int& polls_;
  };
  int polls = 0;
  auto all = join(Spender(polls), Spender(polls), Spender(polls));
  Context& cx = waker.context(/*budget=*/2);
  EXPECT_TRUE(all.poll(cx).is_pending());
  EXPECT_EQ(polls, 2);
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(all.poll(waker.context()).is_ready());
}

Task<int> sum(Script* a, Script* b) {
  auto [x, y] = co_await join(as_task(a), Manual(*b));
  auto [again, once_more] = co_await join(as_task(a), as_task(b));
  co_return x + y + again + once_more;
}

// The trap of GCC 12: temporaries in a co_await expression.
TEST(Join, IsATemporaryInCoAwait) {
  WakeCounter waker;
  Script a, b;
  Task<int> task = sum(&a, &b);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  a.finish(1);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  b.finish(2);
  EXPECT_EQ(*task.poll(waker.context()), 6);
}

Task<int> catches(Script* a, Script* b) {
  try {
    co_await join(as_task(a), as_task(b));
  } catch (const std::runtime_error&) {
    co_return -1;
  }
  co_return 0;
}

// D2
TEST(Join, AnExceptionReachesTheAwaiter) {
  WakeCounter waker;
  Script a, b;
  Task<int> task = catches(&a, &b);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  b.fail();
  EXPECT_EQ(*task.poll(waker.context()), -1);
  EXPECT_TRUE(a.dead);
}

Task<> ready_loop(int times) {
  for (int i = 0; i < times; ++i) co_await join(nothing(), nothing());
}

TEST(Join, AMillionReadyJoinsNeedNoStack) {
  WakeCounter waker;
  Task<> task = ready_loop(1'000'000);
  EXPECT_TRUE(task.poll(waker.context()).is_ready());
}

#ifndef NDEBUG
// D5
TEST(JoinDeathTest, PolledAfterReadyFailsLoudly) {
  WakeCounter waker;
  auto both = join(nothing(), nothing());
  EXPECT_TRUE(both.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)both.poll(waker.context()), "after it was ready");
}
#endif

}  // namespace
}  // namespace eddy
