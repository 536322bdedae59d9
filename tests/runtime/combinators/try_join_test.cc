#include "runtime/combinators/try_join.h"

#include <gtest/gtest.h>

#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/task/task.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Manual;
using testing::Script;
using testing::WakeCounter;

// The value, or an error if that is negative.
Task<absl::StatusOr<int>> checked(Script* script) {
  const int value = co_await Manual(*script);
  if (value < 0) co_return absl::AbortedError("negative");
  co_return value;
}
Task<absl::Status> check(Script* script) {
  co_return (co_await checked(script)).status();
}
Task<absl::StatusOr<std::unique_ptr<int>>> boxed() {
  co_return std::make_unique<int>(42);
}

TEST(TryJoin, GivesAllValues) {
  WakeCounter waker;
  Script a, b;
  auto all = try_join(checked(&a), check(&b), boxed());
  using Values = std::tuple<int, std::monostate, std::unique_ptr<int>>;
  static_assert(
      std::is_same_v<OutputOf<decltype(all)>, absl::StatusOr<Values>>);
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  a.finish(1);
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  b.finish(2);
  Poll<absl::StatusOr<Values>> result = all.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  ASSERT_TRUE((*result).ok());
  EXPECT_EQ(std::get<0>(**result), 1);
  EXPECT_EQ(*std::get<2>(**result), 42);
}

TEST(TryJoin, TheFirstErrorDropsTheOthersOnTheSpot) {
  WakeCounter waker;
  Script a, b, c;
  auto all = try_join(checked(&a), check(&b), checked(&c));
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  b.finish(-1);
  auto result = all.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_TRUE(absl::IsAborted((*result).status()));
  EXPECT_TRUE(a.dead && b.dead && c.dead);
  EXPECT_EQ(c.polls, 1) << "not polled after the error";
}

// D2
TEST(TryJoin, AnExceptionDropsTheOthersOnTheSpot) {
  WakeCounter waker;
  Script a, b;
  auto all = try_join(checked(&a), checked(&b));
  EXPECT_TRUE(all.poll(waker.context()).is_pending());
  b.fail();
  EXPECT_THROW((void)all.poll(waker.context()), std::runtime_error);
  EXPECT_TRUE(a.dead);
}

// D4
TEST(TryJoin, DroppedWhilePendingLeavesNothing) {
  WakeCounter waker;
  Script a, b;
  {
    auto all = try_join(checked(&a), checked(&b));
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
    b.finish(1);
    EXPECT_TRUE(all.poll(waker.context()).is_pending());
  }
  EXPECT_TRUE(a.dead && b.dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

Task<int> both(Script* a, Script* b) {
  auto values = co_await try_join(checked(a), check(b));
  if (!values.ok()) co_return -1;
  co_return std::get<0>(*values);
}

// The trap of GCC 12: temporaries in a co_await expression.
TEST(TryJoin, IsATemporaryInCoAwait) {
  WakeCounter waker;
  Script a, b;
  Task<int> task = both(&a, &b);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  a.finish(7);
  b.finish(8);
  EXPECT_EQ(*task.poll(waker.context()), 7);
}

}  // namespace
}  // namespace eddy
