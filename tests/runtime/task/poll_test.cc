#include "runtime/task/poll.h"

#include <gtest/gtest.h>

#include <any>
#include <memory>
#include <optional>
#include <string>

namespace eddy {
namespace {

TEST(Poll, IsPendingOrHasAValue) {
  Poll<int> pending = kPending;
  EXPECT_TRUE(pending.is_pending());
  EXPECT_FALSE(pending.is_ready());
  Poll<int> ready = 42;
  EXPECT_TRUE(ready.is_ready());
  EXPECT_FALSE(ready.is_pending());
  EXPECT_EQ(*ready, 42);
}

TEST(Poll, OfVoidIsReadyOrNot) {
  EXPECT_TRUE(Poll<void>(kPending).is_pending());
  EXPECT_TRUE(Poll<void>(kReady).is_ready());
}

TEST(Poll, ValueMayBeMoveOnly) {
  Poll<std::unique_ptr<int>> ready = std::make_unique<int>(7);
  std::unique_ptr<int> value = *std::move(ready);
  EXPECT_EQ(*value, 7);
}

TEST(Poll, ValueMayBeAReference) {
  int number = 1;
  Poll<int&> ready = number;
  *ready = 2;
  EXPECT_EQ(number, 2);
  EXPECT_TRUE(Poll<int&>(kPending).is_pending());
  Poll<const std::string&> constant = kPending;
  const std::string text = "text";
  constant = Poll<const std::string&>(text);
  EXPECT_EQ(constant->size(), 4u);
}

TEST(Poll, ConvertsAsItsValueDoes) {
  Poll<std::string> text = "letters";
  EXPECT_EQ(text->size(), 7u);
  Poll<std::optional<int>> nothing = std::nullopt;
  EXPECT_TRUE(nothing.is_ready());
  EXPECT_FALSE((*nothing).has_value());
  Poll<bool> no = false;
  EXPECT_TRUE(no.is_ready());
  EXPECT_FALSE(*no);
}

// A value that can be made of anything, also of Pending, is not made of it.
TEST(Poll, PendingIsNeverAValue) {
  EXPECT_TRUE(Poll<std::any>(kPending).is_pending());
  EXPECT_TRUE(Poll<std::any>(std::any(1)).is_ready());
  Poll<std::any> copy = Poll<std::any>(kPending);
  EXPECT_TRUE(copy.is_pending());
}

TEST(Poll, OfAPollKeepsThemApart) {
  EXPECT_TRUE(Poll<Poll<int>>(kPending).is_pending());
  Poll<Poll<int>> inner = Poll<int>(kPending);
  EXPECT_TRUE(inner.is_ready());
  EXPECT_TRUE(inner->is_pending());
}

#ifndef NDEBUG
TEST(PollDeathTest, ValueOfAPendingPollIsMisuse) {
  Poll<int> pending = kPending;
  Poll<int&> reference = kPending;
  EXPECT_DEATH((void)*pending, "pending Poll");
  EXPECT_DEATH((void)*reference, "pending Poll");
  EXPECT_DEATH(*Poll<void>(kPending), "pending Poll");
}
#endif

}  // namespace
}  // namespace eddy
