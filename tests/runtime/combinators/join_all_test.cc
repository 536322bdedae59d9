#include "runtime/combinators/join_all.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <new>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/combinators/select_all.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/support/allocations.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::as_task;
using testing::Manual;
using testing::Script;
using testing::WakeCounter;

Task<> nothing() { co_return; }
Task<int> value(int x) { co_return x; }

std::vector<Manual> manuals(std::vector<Script>& scripts) {
  std::vector<Manual> futures;
  for (Script& script : scripts) futures.emplace_back(script);
  return futures;
}

TEST(JoinAll, GivesTheOutputsInOrder) {
  WakeCounter waker;
  std::vector<Script> scripts(5);
  std::vector<Task<int>> tasks;
  for (Script& script : scripts) tasks.push_back(as_task(&script));
  auto all = join_all(std::move(tasks));
  for (int i = 4; i >= 0; --i) {
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
    scripts[i].finish(i);
  }
  EXPECT_EQ(*all.poll(waker.context()), (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(JoinAll, TakesWhatARangeMakes) {
  WakeCounter waker;
  auto numbers = std::views::iota(0, 3);
  auto tasks = numbers | std::views::transform(value);
  EXPECT_EQ(*join_all(tasks).poll(waker.context()),
            (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(
      *join_all(numbers | std::views::transform(value)).poll(waker.context()),
      (std::vector<int>{0, 1, 2}));
  std::vector<Task<>> nothings;
  nothings.push_back(nothing());
  EXPECT_EQ(join_all(std::move(nothings)).poll(waker.context())->size(), 1u);
  EXPECT_TRUE(
      join_all(std::vector<Task<int>>()).poll(waker.context())->empty());
}

TEST(JoinAll, TakesCallables) {
  WakeCounter waker;
  auto make = [box = std::make_shared<int>(7)]() -> Task<int> {
    co_await yield_now();
    co_return *box;
  };
  std::vector<decltype(make)> callables(3, make);
  auto all = join_all(std::move(callables));
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  EXPECT_EQ(*all.poll(waker.context()), (std::vector<int>{7, 7, 7}));
}

TEST(JoinAll, ARangeByLvalueIsUsedInPlace) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  std::vector<Manual> futures = manuals(scripts);
  {
    auto all = join_all(futures);
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
  }
  for (Script& script : scripts) EXPECT_FALSE(script.dead);
}

TEST(JoinAll, OfTenThousandAWakePollsOne) {
  constexpr int kCount = 10'000;
  WakeCounter waker;
  std::vector<Script> scripts(kCount);
  auto all = join_all(manuals(scripts));
  while (true) {
    Context& cx = waker.context();
    EXPECT_TRUE(all.poll(cx).is_pending());
    if (!cx.wake_requested()) break;
  }
  int polls = 0;
  for (int i = 0; i < kCount - 1; ++i) {
    scripts[i].finish(i);
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
  }
  scripts.back().finish(0);
  EXPECT_TRUE(all.poll(waker.context()).is_ready());
  for (Script& script : scripts) polls += script.polls;
  EXPECT_EQ(polls, 2 * kCount);
  EXPECT_EQ(waker.wakes(), kCount);
}

TEST(JoinAll, LetsOthersRunWhenAllAreWokenAtOnce) {
  WakeCounter waker;
  std::vector<Script> scripts(100);
  auto all = join_all(manuals(scripts));
  Context& cx = waker.context(/*budget=*/10);
  EXPECT_TRUE(all.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ(scripts[9].polls, 1);
  EXPECT_EQ(scripts[10].polls, 0);
}

// D5
TEST(JoinAll, SpuriousPollsPollNoChild) {
  WakeCounter first;
  std::vector<Script> scripts(2);
  auto all = join_all(manuals(scripts));
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(all.poll(first.context()).is_pending());
  }
  EXPECT_EQ(scripts[0].polls, 1);
  EXPECT_EQ(first.kept_wakers(), 1);
  WakeCounter latest;
  EXPECT_TRUE(all.poll(latest.context()).is_pending());
  EXPECT_EQ(first.kept_wakers(), 0);
  scripts[0].finish(0);
  scripts[1].finish(1);
  EXPECT_EQ(latest.wakes(), 1) << "the second finds nobody waiting";
  EXPECT_TRUE(all.poll(latest.context()).is_ready());
  EXPECT_EQ(latest.kept_wakers(), 0);
}

// D5
TEST(JoinAll, AChildThatYieldsIsPolledOnceAPoll) {
  WakeCounter waker;
  std::vector<YieldNow> yields(3, yield_now());
  auto all = join_all(std::move(yields));
  Context& cx = waker.context();
  EXPECT_TRUE(all.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(all.poll(waker.context()).is_ready());
}

// D2
TEST(JoinAll, AnExceptionDestroysTheOthersOnTheSpot) {
  WakeCounter waker;
  std::vector<Script> scripts(3);
  auto all = join_all(manuals(scripts));
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  scripts[1].fail();
  EXPECT_THROW((void)all.poll(waker.context()), std::runtime_error);
  for (Script& script : scripts) EXPECT_TRUE(script.dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D4
TEST(JoinAll, DroppedAtEveryStageDestroysEachChildOnce) {
  for (int stage = 0; stage <= 3; ++stage) {
    WakeCounter waker;
    std::vector<Script*> deaths;
    std::vector<Script> scripts(2);
    for (Script& script : scripts) script.deaths = &deaths;
    Waker late;
    {
      auto all = join_all(manuals(scripts));
      if (stage >= 1) (void)all.poll(waker.context());
      late = scripts[1].waker;
      if (stage >= 2) scripts[0].finish(1);  // woken, not polled
      if (stage >= 3) (void)all.poll(waker.context());
      auto moved = std::move(all);
    }
    ASSERT_EQ(deaths.size(), 2u) << "stage " << stage;
    EXPECT_EQ(deaths.front(), &scripts[stage >= 3 ? 0 : 1]);
    EXPECT_EQ(waker.kept_wakers(), 0);
    late.wake();  // E1: after the end
  }
}

// Too large for the pool of frames, so that each child is an allocation.
class Large : public Manual {
 public:
  using Manual::Manual;
  char room[4'000] = {};
};

// D1: memory runs out at each allocation in turn. What was handed over is
// destroyed, nobody's waker is kept, and the next one works.
template <class Make>
uint64_t run_out_of_memory(Make make) {
  WakeCounter waker;
  return testing::fail_each_allocation([&](testing::FailAllocation& fault) {
    std::array<Script, 3> scripts;
    try {
      std::vector<Large> futures;
      futures.reserve(scripts.size());
      for (Script& script : scripts) futures.emplace_back(script);
      auto all = make(std::move(futures));
      EXPECT_TRUE(all.poll(waker.context()).is_pending());
      for (int i : {2, 0, 1}) scripts[i].finish(i);
      EXPECT_TRUE(all.poll(waker.context()).is_ready());
      fault.stop();
      EXPECT_FALSE(fault.happened());
    } catch (const std::bad_alloc&) {
      fault.stop();
      EXPECT_TRUE(fault.happened());
    }
    for (Script& script : scripts) {
      EXPECT_FALSE(script.waker) << "a child is left";
    }
    EXPECT_EQ(waker.kept_wakers(), 0);
  });
}

TEST(JoinAll, MemoryRunsOutAtEachAllocation) {
  if (!testing::allocations_are_counted()) GTEST_SKIP();
  // The range, the queue of the set, three children; and the values.
  EXPECT_EQ(run_out_of_memory([](auto f) { return join_all(std::move(f)); }),
            6u);
  EXPECT_EQ(run_out_of_memory([](auto f) { return select_all(std::move(f)); }),
            5u);
}

Task<absl::StatusOr<int>> number(Script* script) {
  const int value = co_await Manual(*script);
  if (value < 0) co_return absl::InvalidArgumentError("negative");
  co_return value;
}
Task<absl::Status> check(Script* script) {
  co_return (co_await number(script)).status();
}

TEST(TryJoinAll, GivesTheValuesOrTheFirstError) {
  for (bool fails : {false, true}) {
    WakeCounter waker;
    std::vector<Script> scripts(3);
    std::vector<Task<absl::StatusOr<int>>> tasks;
    for (Script& script : scripts) tasks.push_back(number(&script));
    auto all = try_join_all(std::move(tasks));
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
    if (fails) {
      scripts[1].finish(-1);
      Poll<absl::StatusOr<std::vector<int>>> result = all.poll(waker.context());
      EXPECT_TRUE(absl::IsInvalidArgument((*result).status()));
      EXPECT_TRUE(scripts[0].dead && scripts[2].dead);
    } else {
      for (int i = 2; i >= 0; --i) scripts[i].finish(i);
      EXPECT_EQ(**all.poll(waker.context()), (std::vector<int>{0, 1, 2}));
    }
    EXPECT_EQ(waker.kept_wakers(), 0);
  }
  WakeCounter waker;
  Script script;
  std::vector<Task<absl::Status>> checks;
  checks.push_back(check(&script));
  script.finish(1);
  EXPECT_TRUE(try_join_all(checks).poll(waker.context())->ok());
}

TEST(SelectAll, GivesTheFirstAndDropsTheOthers) {
  WakeCounter waker;
  std::vector<Script> scripts(4);
  auto first = select_all(manuals(scripts));
  EXPECT_TRUE(first.poll(waker.context()).is_pending());
  scripts[2].finish(7);
  EXPECT_EQ(*first.poll(waker.context()), std::pair(size_t{2}, 7));
  for (Script& script : scripts) EXPECT_TRUE(script.dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(SelectAll, ByLvalueTheLosersGoOn) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  std::vector<Manual> futures = manuals(scripts);
  {
    auto first = select_all(futures);
    EXPECT_TRUE(first.poll(waker.context()).is_pending());
    scripts[0].finish(7);
    EXPECT_EQ(*first.poll(waker.context()), std::pair(size_t{0}, 7));
  }
  scripts[1].finish(8);
  EXPECT_EQ(*futures[1].poll(waker.context()), 8);
}

// H1
TEST(SelectAll, WhatIsAlwaysReadyStarvesNobody) {
  WakeCounter waker;
  int wins[3] = {};
  for (int i = 0; i < 300; ++i) {
    std::vector<Task<int>> tasks;
    for (int x : {0, 1, 2}) tasks.push_back(value(x));
    ++wins[select_all(std::move(tasks)).poll(waker.context())->first];
  }
  for (int count : wins) EXPECT_GT(count, 50);
}

Task<int> both(std::vector<Script>* scripts) {
  int sum = 0;
  for (int x : co_await join_all(manuals(*scripts))) sum += x;
  sum += (co_await select_all(manuals(*scripts))).second;
  co_return sum;
}

// The trap of GCC 12: temporaries in a co_await expression.
TEST(JoinAll, IsATemporaryInCoAwait) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  Task<int> task = both(&scripts);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  scripts[1].finish(2);
  scripts[0].finish(2);
  EXPECT_EQ(*task.poll(waker.context()), 6);
}

#ifndef NDEBUG
// D5
TEST(JoinAllDeathTest, PolledAfterReadyFailsLoudly) {
  WakeCounter waker;
  auto all = join_all(std::vector<Task<int>>());
  EXPECT_TRUE(all.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)all.poll(waker.context()), "after it was ready");
}
#endif
TEST(SelectAllDeathTest, OfNothingIsMisuse) {
  EXPECT_DEATH((void)select_all(std::vector<Task<int>>()), "empty range");
}

// Ready at its poll number `polls`, and each poll wakes it.
class WakesItself {
 public:
  using Output = int;
  explicit WakesItself(int polls) : left_(polls) {}

  Poll<int> poll(Context& cx) {
    cx.waker().wake();
    if (--left_ > 0) return kPending;
    return 1;
  }

 private:
  int left_;
};

// It is in the queue once more, and freed all the same: a leak is what
// AddressSanitizer finds.
TEST(JoinAll, AChildThatIsWokenAsItBecomesReady) {
  WakeCounter waker;
  std::vector<WakesItself> children;
  for (int polls = 1; polls <= 3; ++polls) children.emplace_back(polls);
  auto all = join_all(std::move(children));
  Poll<std::vector<int>> result = kPending;
  for (int polls = 0; polls < 10 && result.is_pending(); ++polls) {
    std::destroy_at(&result);
    std::construct_at(&result, all.poll(waker.context()));
  }
  ASSERT_TRUE(result.is_ready());
  EXPECT_EQ(*result, std::vector<int>(3, 1));
}

}  // namespace
}  // namespace eddy
