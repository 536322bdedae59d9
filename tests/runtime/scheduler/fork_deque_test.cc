// ForkDeque with one thread: order, what is public, and its bounds.

#include "runtime/scheduler/fork_deque.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace eddy::scheduler {
namespace {

// Pushes the items first .. last, as numbers.
void push(ForkDeque& deque, uint64_t first, uint64_t last) {
  for (uint64_t i = first; i <= last; ++i) {
    ASSERT_TRUE(deque.push({nullptr, i}));
  }
}

uint64_t pop(ForkDeque& deque) {
  ForkDeque::Item item{nullptr, 0};
  return deque.pop(item) ? item.branches : 0;
}

uint64_t steal(ForkDeque& deque) {
  ForkDeque::Item item{nullptr, 0};
  return deque.steal(item) ? item.branches : 0;
}

TEST(ForkDeque, OwnerPopsTheNewest) {
  ForkDeque deque;
  push(deque, 1, 3);
  EXPECT_EQ(pop(deque), 3u);
  push(deque, 4, 4);
  EXPECT_EQ(pop(deque), 4u);
  EXPECT_EQ(pop(deque), 2u);
  EXPECT_EQ(pop(deque), 1u);
  EXPECT_EQ(pop(deque), 0u);
}

TEST(ForkDeque, ThievesSeeNothingThatIsNotPublished) {
  ForkDeque deque;
  push(deque, 1, 3);
  EXPECT_FALSE(deque.has_public());
  EXPECT_EQ(steal(deque), 0u);
}

TEST(ForkDeque, PublishesTheOlderHalf) {
  ForkDeque deque;
  push(deque, 1, 5);
  EXPECT_TRUE(deque.wants_publish());
  EXPECT_FALSE(deque.publish()) << "nobody is hungry";
  EXPECT_FALSE(deque.wants_publish());
  EXPECT_TRUE(deque.has_public());
  EXPECT_EQ(steal(deque), 1u);
  EXPECT_EQ(steal(deque), 2u);
  EXPECT_EQ(steal(deque), 3u);
  EXPECT_EQ(steal(deque), 0u);
  EXPECT_EQ(pop(deque), 5u);
  EXPECT_EQ(pop(deque), 4u);
}

TEST(ForkDeque, AHungryThiefIsToldOf) {
  ForkDeque deque;
  push(deque, 1, 1);
  (void)deque.publish();
  EXPECT_EQ(pop(deque), 1u);
  EXPECT_EQ(steal(deque), 0u);
  push(deque, 2, 2);
  EXPECT_TRUE(deque.wants_publish());
  EXPECT_TRUE(deque.publish()) << "wakes somebody";
  EXPECT_FALSE(deque.wants_publish());
}

TEST(ForkDeque, WhoStealsTheLastIsHungryAgain) {
  ForkDeque deque;
  push(deque, 1, 2);
  (void)deque.publish();
  EXPECT_EQ(steal(deque), 1u);
  EXPECT_TRUE(deque.wants_publish());
  EXPECT_TRUE(deque.publish());
  EXPECT_EQ(steal(deque), 2u);
}

TEST(ForkDeque, OwnerTakesBackWhatWasPublished) {
  ForkDeque deque;
  push(deque, 1, 4);
  (void)deque.publish();  // 1 and 2
  EXPECT_EQ(pop(deque), 4u);
  EXPECT_EQ(pop(deque), 3u);
  EXPECT_EQ(pop(deque), 2u);
  EXPECT_EQ(steal(deque), 1u);
  EXPECT_EQ(pop(deque), 0u);
}

TEST(ForkDeque, HoldsItsCapacityAndNoMore) {
  ForkDeque deque;
  push(deque, 1, ForkDeque::kCapacity);
  EXPECT_FALSE(deque.push({nullptr, 9999}));
  (void)deque.publish();
  EXPECT_EQ(steal(deque), 1u);
  push(deque, 5000, 5000);  // in the place of the one that was stolen
  EXPECT_FALSE(deque.push({nullptr, 9999}));
  EXPECT_EQ(steal(deque), 2u);
  EXPECT_EQ(pop(deque), 5000u);
  EXPECT_EQ(pop(deque), uint64_t{ForkDeque::kCapacity});
}

TEST(ForkDeque, PositionsWrapAround) {
  ForkDeque deque;
  for (uint64_t i = 1; i <= 200'000; ++i) {  // 16 bits three times
    push(deque, i, i);
    (void)deque.publish();
    ASSERT_EQ(steal(deque), i);
  }
  push(deque, 1, 2);
  EXPECT_EQ(pop(deque), 2u);
}

}  // namespace
}  // namespace eddy::scheduler
