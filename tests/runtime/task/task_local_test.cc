#include "runtime/task/task_local.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::WakeCounter;

TaskLocal<int> local;
TaskLocal<std::unique_ptr<int>> other_local;

Task<int> read_over_polls() {
  const int before = local.get();
  co_await yield_now();
  co_return before * 10 + local.get();
}

TEST(TaskLocal, IsThereDuringEachPollAndNotBetween) {
  WakeCounter waker;
  auto scope = local.scope(7, read_over_polls());
  EXPECT_EQ(local.try_get(), nullptr);
  EXPECT_TRUE(scope.poll(waker.context()).is_pending());
  EXPECT_EQ(local.try_get(), nullptr);
  EXPECT_EQ(*scope.poll(waker.context()), 77);
  EXPECT_EQ(local.try_get(), nullptr);
}

Task<> write(int value) {
  local.get() = value;
  co_return;
}

Task<std::vector<int>> nested() {
  std::vector<int> seen = {local.get()};
  seen.push_back(co_await local.scope(2, read_over_polls()));
  seen.push_back(local.get());
  co_await write(3);
  seen.push_back(local.get());
  co_return seen;
}

TEST(TaskLocal, ScopesNest) {
  WakeCounter waker;
  auto scope = local.scope(1, nested());
  EXPECT_TRUE(scope.poll(waker.context()).is_pending());
  EXPECT_EQ(*scope.poll(waker.context()), (std::vector<int>{1, 22, 1, 3}));
}

TEST(TaskLocal, TwoKeysDoNotMix) {
  WakeCounter waker;
  auto both = [](int) -> Task<int> {
    co_return local.get() + *other_local.get();
  };
  auto scope =
      local.scope(1, other_local.scope(std::make_unique<int>(41), both(0)));
  EXPECT_EQ(*scope.poll(waker.context()), 42);
}

Task<> throws() {
  co_await yield_now();
  throw std::runtime_error("thrown");
}

// D2
TEST(TaskLocal, AnExceptionEndsTheScope) {
  WakeCounter waker;
  auto scope = local.scope(1, throws());
  EXPECT_TRUE(scope.poll(waker.context()).is_pending());
  EXPECT_THROW((void)scope.poll(waker.context()), std::runtime_error);
  EXPECT_EQ(local.try_get(), nullptr);
}

// Reads the value when it dies.
class LastLook {
 public:
  explicit LastLook(int& seen) : seen_(&seen) {}
  LastLook(LastLook&& other) noexcept
      : seen_(std::exchange(other.seen_, nullptr)) {}
  ~LastLook() {
    if (seen_ != nullptr) *seen_ = local.get();
  }

 private:
  int* seen_;
};

Task<> look_at_the_end(LastLook look) {
  const LastLook kept = std::move(look);
  co_await yield_now();
}

// D4
TEST(TaskLocal, TheFutureIsDestroyedInsideOfTheScope) {
  WakeCounter waker;
  for (int polls : {0, 1, 2}) {
    int seen = 0;
    {
      auto scope = local.scope(7, look_at_the_end(LastLook(seen)));
      for (int i = 0; i < polls; ++i) (void)scope.poll(waker.context());
    }
    EXPECT_EQ(seen, 7) << polls << " polls";
  }
}

TEST(TaskLocal, IsATemporaryInCoAwait) {
  WakeCounter waker;
  auto outer = [](int) -> Task<int> {
    co_return co_await local.scope(4, read_over_polls());
  };
  Task<int> task = outer(0);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_EQ(*task.poll(waker.context()), 44);
}

TEST(TaskLocalDeathTest, GetOutsideOfAScopeNamesTheRemedy) {
  EXPECT_DEATH(local.get(), "use try_get\\(\\)");
}

TEST(YieldNow, IsPendingOnceAndAsksForAnotherPoll) {
  WakeCounter waker;
  YieldNow yield = yield_now();
  Context& cx = waker.context();
  EXPECT_TRUE(yield.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ(waker.wakes(), 0) << "cheaper than a wake";
  EXPECT_TRUE(yield.poll(waker.context()).is_ready());
}

}  // namespace
}  // namespace eddy
