#include "runtime/task/state.h"

#include <gtest/gtest.h>

#include <atomic>

namespace eddy::task {
namespace {

// The rows of the table in state.h, one after the other, by hand. References
// are counted by releasing them: the last release() answers true.

using Slot = std::atomic<Wakeable*>;

void expect_references(State& state, int count) {
  for (int i = 1; i < count; ++i) EXPECT_FALSE(state.release()) << i;
  EXPECT_TRUE(state.release());
}

// As it is once the first poll was pending: idle, and held by list and joiner.
void make_idle(State& state) {
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.suspend(), AtSuspend::kForget);
}

void make_complete(State& state) {
  Slot slot{nullptr};
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_TRUE(state.complete(false, 2, slot).done);
}

class Bell final : public Wakeable {
 public:
  void wake() noexcept override {}
  void wake_and_release() noexcept override {}
  void retain() noexcept override {}
  void release() noexcept override {}
};

TEST(State, IsSpawnedQueuedWithThreeReferences) {
  State state;
  EXPECT_FALSE(state.is_complete());
  EXPECT_FALSE(state.is_cancelled());
  expect_references(state, 3);
}

TEST(State, PendingPollMakesItIdleAndDropsTheEntry) {
  State state;
  make_idle(state);
  expect_references(state, 2);
}

TEST(State, FirstWakeOfAnIdleTaskSubmitsWithAReference) {
  State state;
  make_idle(state);
  EXPECT_EQ(state.wake(), Duty::kSubmit);
  EXPECT_EQ(state.wake(), Duty::kNone) << "it is queued";
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.suspend(), AtSuspend::kForget)
      << "the second wake came before the poll, which saw it";
  expect_references(state, 2);
}

TEST(State, ConsumingWakeGivesItsReferenceToTheEntry) {
  State state;
  make_idle(state);
  state.retain();  // the waker's
  EXPECT_EQ(state.wake_consuming(), Duty::kSubmit);
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.suspend(), AtSuspend::kForget);
  expect_references(state, 2);
}

TEST(State, ConsumingWakeOfAQueuedTaskKeepsItsReference) {
  State state;
  EXPECT_EQ(state.wake_consuming(), Duty::kNone);
  expect_references(state, 3);
}

TEST(State, WakeDuringThePollSubmitsOnceAtItsEnd) {
  State state;
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_EQ(state.wake_consuming(), Duty::kNone);
  EXPECT_EQ(state.suspend(), AtSuspend::kSubmit);
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.suspend(), AtSuspend::kForget);
  expect_references(state, 2);
}

// D5
TEST(State, WakeBeforeTheFirstPollNeedsNoSecondOne) {
  State state;
  EXPECT_EQ(state.wake(), Duty::kNone);
  make_idle(state);
  expect_references(state, 2);
}

// E1
TEST(State, WakeAfterTheEndDoesNothing) {
  State state;
  make_complete(state);
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_EQ(state.wake_consuming(), Duty::kNone);
  EXPECT_EQ(state.cancel(), Duty::kNone);
  EXPECT_FALSE(state.is_cancelled());
  expect_references(state, 1);
}

TEST(State, CancelOfAnIdleTaskSubmitsIt) {
  State state;
  make_idle(state);
  EXPECT_EQ(state.cancel(), Duty::kSubmit);
  EXPECT_TRUE(state.is_cancelled());
  EXPECT_EQ(state.cancel(), Duty::kNone) << "once";
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_EQ(state.start(), AtStart::kDestroy);
  expect_references(state, 3);
}

TEST(State, CancelOfAQueuedTaskIsSeenAtItsStart) {
  State state;
  EXPECT_EQ(state.cancel(), Duty::kNone);
  EXPECT_EQ(state.start(), AtStart::kDestroy);
  expect_references(state, 3);
}

TEST(State, CancelDuringThePollIsSeenAtItsEnd) {
  State state;
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.cancel(), Duty::kNone);
  EXPECT_EQ(state.suspend(), AtSuspend::kDestroy);
  expect_references(state, 3);
}

TEST(State, CompletionWithAJoinerLeavesTheOutcomeToIt) {
  State state;
  Slot slot{nullptr};
  EXPECT_EQ(state.start(), AtStart::kPoll);
  const State::Completion end = state.complete(false, 2, slot);
  EXPECT_TRUE(end.done);
  EXPECT_FALSE(end.last);
  EXPECT_EQ(end.joiner, nullptr);
  EXPECT_TRUE(state.is_complete());
  const State::Disinterest left = state.drop_join_interest();
  EXPECT_TRUE(left.drop_outcome);
  EXPECT_FALSE(left.drop_waker);
  EXPECT_FALSE(left.released);
  expect_references(state, 1);
}

// D3
TEST(State, CompletionWithoutAJoinerAsksForTheOutcomesEndFirst) {
  State state;
  Slot slot{nullptr};
  EXPECT_EQ(state.start(), AtStart::kPoll);
  const State::Disinterest left = state.drop_join_interest();
  EXPECT_FALSE(left.drop_outcome);
  EXPECT_FALSE(left.drop_waker);
  EXPECT_TRUE(left.released);
  EXPECT_FALSE(state.complete(false, 2, slot).done);
  EXPECT_FALSE(state.is_complete());
  const State::Completion end = state.complete(true, 2, slot);
  EXPECT_TRUE(end.done);
  EXPECT_TRUE(end.last);
}

TEST(State, IsAloneOnceNobodyElseHasAReferenceOrWantsTheOutcome) {
  State state;
  ASSERT_EQ(state.start(), AtStart::kPoll);
  EXPECT_FALSE(state.is_alone(3)) << "the JoinHandle's reference counts";
  EXPECT_FALSE(state.is_alone(2)) << "there is a third reference";
  state.retain();  // a waker
  EXPECT_TRUE(state.drop_join_interest().released);
  EXPECT_FALSE(state.is_alone(2)) << "a waker can still cancel or wake";
  EXPECT_FALSE(state.release());
  EXPECT_TRUE(state.is_alone(2));
}

TEST(State, CompletionLeavesTheReferencesOfOthers) {
  State state;
  Slot slot{nullptr};
  state.retain();
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_FALSE(state.complete(false, 1, slot).last) << "not in the list";
  expect_references(state, 3);
}

TEST(State, PublishedJoinWakerIsTheCompleters) {
  State state;
  Bell bell;
  Slot slot{&bell};
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_TRUE(state.publish_join_waker());
  EXPECT_EQ(state.complete(false, 2, slot).joiner, &bell);
  EXPECT_FALSE(state.reclaim_join_waker());
  EXPECT_FALSE(state.publish_join_waker());
  EXPECT_FALSE(state.drop_join_interest().drop_waker);
  expect_references(state, 1);
}

TEST(State, ReclaimedJoinWakerIsTheJoiners) {
  State state;
  Bell bell;
  Slot slot{&bell};
  EXPECT_FALSE(state.reclaim_join_waker()) << "none was published";
  EXPECT_TRUE(state.publish_join_waker());
  EXPECT_TRUE(state.reclaim_join_waker());
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.complete(false, 2, slot).joiner, nullptr);
  expect_references(state, 1);
}

TEST(State, DroppedJoinHandleTakesItsWakerAlong) {
  State state;
  Bell bell;
  Slot slot{&bell};
  EXPECT_TRUE(state.publish_join_waker());
  const State::Disinterest left = state.drop_join_interest();
  EXPECT_TRUE(left.drop_waker);
  EXPECT_FALSE(left.released) << "the slot is in the task's memory";
  EXPECT_EQ(state.start(), AtStart::kPoll);
  EXPECT_EQ(state.complete(true, 2, slot).joiner, nullptr);
  expect_references(state, 1);
}

// The ticket goes round without touching the references above it.
TEST(State, JoinWakerMayBeReplacedAnyNumberOfTimes) {
  State state;
  for (int i = 0; i < (1 << 24) + 5; ++i) {
    ASSERT_TRUE(state.publish_join_waker());
    ASSERT_TRUE(state.reclaim_join_waker());
  }
  make_idle(state);
  expect_references(state, 2);
}

TEST(State, CountsManyReferences) {
  State state;
  for (int i = 0; i < 10'000'000; ++i) state.retain();
  for (int i = 0; i < 10'000'000; ++i) ASSERT_FALSE(state.release());
  expect_references(state, 3);
}

#ifndef NDEBUG
TEST(StateDeathTest, StartingAnIdleTaskIsABug) {
  State state;
  make_idle(state);
  EXPECT_DEATH((void)state.start(), "queued twice");
  EXPECT_DEATH((void)state.suspend(), "did not run");
}
#endif

}  // namespace
}  // namespace eddy::task
