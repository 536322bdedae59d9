#include "runtime/combinators/select.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/combinators/join.h"
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

TEST(Select, GivesTheFirstAndItsIndex) {
  WakeCounter waker;
  Script a, b, c;
  auto first = select(Manual(a), as_task(&b), Manual(c));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  b.finish(42);
  Poll<std::variant<int, int, int>> result = first.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_EQ((*result).index(), 1u);
  EXPECT_EQ(std::get<1>(*result), 42);
}

TEST(Select, OutputsOfAllKinds) {
  WakeCounter waker;
  int value = 7;
  auto first = select_biased(reference(&value), nothing(), boxed(42));
  using Output = std::variant<std::reference_wrapper<int>, std::monostate,
                              std::unique_ptr<int>>;
  static_assert(std::is_same_v<OutputOf<decltype(first)>, Output>);
  Poll<Output> result = first.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_EQ(&std::get<0>(*result).get(), &value);
  Script never;
  auto box = select(Manual(never), boxed(42));
  EXPECT_EQ(*std::get<1>(*box.poll(waker.context())), 42);
}

// The winner dies first, since that is how its value comes; then the losers, as
// C++ destroys: last first.
TEST(Select, LosersAreDestroyedBeforeTheResultIsThere) {
  WakeCounter waker;
  std::vector<Script*> deaths;
  Script a, b, c;
  a.deaths = b.deaths = c.deaths = &deaths;
  auto first = select_biased(as_task(&a), as_task(&b), as_task(&c));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  b.finish(1);
  auto result = first.poll(waker.context());
  EXPECT_TRUE(result.is_ready());
  EXPECT_EQ(deaths, (std::vector<Script*>{&b, &c, &a}));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(Select, ALoserByReferenceCanBeAwaitedAgain) {
  WakeCounter waker;
  Script a, b;
  Task<int> kept = as_task(&a);
  auto first = select(kept, Manual(b));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  b.finish(1);
  EXPECT_EQ((*first.poll(waker.context())).index(), 1u);
  EXPECT_FALSE(a.dead);
  a.finish(2);
  EXPECT_EQ(*kept.poll(waker.context()), 2);
}

TEST(Select, BiasedPollsInOrder) {
  WakeCounter waker;
  for (int i = 0; i < 100; ++i) {
    Script a, b, c;
    b.value = 1;
    c.value = 2;
    auto first = select_biased(Manual(a), Manual(b), Manual(c));
    EXPECT_EQ((*first.poll(waker.context())).index(), 1u);
    EXPECT_EQ(a.polls, 1);
    EXPECT_EQ(c.polls, 0);
  }
}

// Can be asked whether it is ready now.
class Asked : public Manual {
 public:
  Asked(Script& script, int& asked)
      : Manual(script), script_(script), asked_(asked) {}

  Poll<int> poll_now(Context&) {
    ++asked_;
    if (!script_.value.has_value()) return kPending;
    return *script_.value;
  }

 private:
  Script& script_;
  int& asked_;
};
static_assert(PollsNow<Asked> && !PollsNow<Manual>);

TEST(Select, WhatIsReadyIsFoundBeforeOthersWait) {
  WakeCounter waker;
  Script a, b, c;
  c.value = 42;
  int asked = 0;
  auto first = select_biased(Asked(a, asked), Manual(b), Asked(c, asked));
  EXPECT_EQ(std::get<2>(*first.poll(waker.context())), 42);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(a.polls, 0);
  EXPECT_EQ(b.polls, 1);  // can't be asked
  EXPECT_TRUE(a.dead && b.dead && c.dead);
}

TEST(Select, EachIsAskedOnceAndThenPolled) {
  WakeCounter waker;
  Script a, b;
  int asked = 0;
  auto first = select(Asked(a, asked), Asked(b, asked));
  for (int polls = 1; polls <= 3; ++polls) {
    EXPECT_TRUE(first.poll(waker.context()).is_pending());
    EXPECT_EQ(asked, 2);
    EXPECT_EQ(a.polls, polls);
    EXPECT_EQ(b.polls, polls);
  }
  a.finish(1);
  EXPECT_EQ(std::get<0>(*first.poll(waker.context())), 1);
}

// It may have a place already, which must be seen to.
TEST(Select, AFutureByReferenceIsPolledAndNotAsked) {
  WakeCounter waker;
  Script a, b;
  int asked = 0;
  Asked kept(a, asked);
  auto first = select(kept, Manual(b));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(a.polls, 1);
}

// H1: of several that are always ready, each wins as often.
TEST(Select, StartsAtRandom) {
  combinators::seed_random_starts(1);
  WakeCounter waker;
  std::array<int, 3> wins = {};
  constexpr int kTimes = 3'000;
  for (int i = 0; i < kTimes; ++i) {
    auto first = select(nothing(), nothing(), nothing());
    ++wins[(*first.poll(waker.context())).index()];
  }
  for (int count : wins) EXPECT_NEAR(count, kTimes / 3, kTimes / 20);
}

TEST(Select, ASeedRepeatsTheStarts) {
  std::vector<size_t> runs[2];
  for (std::vector<size_t>& run : runs) {
    combinators::seed_random_starts(42);
    for (int i = 0; i < 100; ++i) run.push_back(combinators::random_start(7));
  }
  EXPECT_EQ(runs[0], runs[1]);
}

// D2
TEST(Select, AnExceptionDestroysTheOthersOnTheSpot) {
  WakeCounter waker;
  Script a, b;
  auto first = select(as_task(&a), as_task(&b));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  b.fail();
  EXPECT_THROW((void)first.poll(waker.context()), std::runtime_error);
  EXPECT_TRUE(a.dead && b.dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D4
TEST(Select, DroppedAtEveryStageDestroysEachChildOnce) {
  WakeCounter waker;
  for (int stage = 0; stage <= 2; ++stage) {
    std::vector<Script*> deaths;
    Script a, b;
    a.deaths = b.deaths = &deaths;
    {
      auto first = select(Manual(a), Manual(b));
      if (stage >= 1) {
        EXPECT_TRUE(first.poll(waker.context()).is_pending());
      }
      if (stage >= 2) a.finish(1);
      if (stage >= 2) {
        EXPECT_TRUE(first.poll(waker.context()).is_ready());
      }
    }
    const std::vector<Script*> expected = stage == 2
                                              ? std::vector<Script*>{&a, &b}
                                              : std::vector<Script*>{&b, &a};
    EXPECT_EQ(deaths, expected) << "stage " << stage;
    EXPECT_EQ(waker.kept_wakers(), 0);
  }
}

// D5
TEST(Select, SpuriousPollsChangeNothing) {
  WakeCounter waker;
  Script a, b;
  auto first = select(as_task(&a), as_task(&b));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(first.poll(waker.context()).is_pending());
  }
  a.finish(1);
  EXPECT_EQ((*first.poll(waker.context())).index(), 0u);
}

// D5
TEST(Select, AWakeInsideOfThePollIsKept) {
  WakeCounter waker;
  Script never;
  auto first = select(Manual(never), yield_now());
  Context& cx = waker.context();
  EXPECT_TRUE(first.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ((*first.poll(waker.context())).index(), 1u);
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

TEST(Select, ACallableMakesAFutureThatCannotBeMoved) {
  WakeCounter waker;
  Script never;
  auto first = select(Manual(never), [] { return Immovable(42); });
  EXPECT_EQ(std::get<1>(*first.poll(waker.context())), 42);
}

TEST(Select, NestsWithJoin) {
  WakeCounter waker;
  Script a, b, c;
  auto first = select(join(Manual(a), Manual(b)), select(Manual(c)));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  a.finish(1);
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  b.finish(2);
  auto result = first.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_EQ(std::get<0>(*result), std::tuple(1, 2));
  EXPECT_TRUE(c.dead);
}

Task<int> race(Script* a, Script* b) {
  Manual kept(*a);
  auto first = co_await select(kept, as_task(b));
  if (first.index() == 0) co_return -1;
  co_return std::get<1>(first) + co_await kept;
}

// The trap of GCC 12: temporaries in a co_await expression.
TEST(Select, IsATemporaryInCoAwait) {
  WakeCounter waker;
  Script a, b;
  Task<int> task = race(&a, &b);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  b.finish(1);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  a.finish(2);
  EXPECT_EQ(*task.poll(waker.context()), 3);
}

#ifndef NDEBUG
// D5
TEST(SelectDeathTest, PolledAfterReadyFailsLoudly) {
  WakeCounter waker;
  auto first = select(nothing(), nothing());
  EXPECT_TRUE(first.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)first.poll(waker.context()), "after it was ready");
}
#endif

TEST(SelectDeathTest, MovedAfterReadyFailsLoudly) {
  WakeCounter waker;
  auto first = select(nothing(), nothing());
  EXPECT_TRUE(first.poll(waker.context()).is_ready());
  EXPECT_DEATH(auto moved = std::move(first), "after it was ready");
}

}  // namespace
}  // namespace eddy
