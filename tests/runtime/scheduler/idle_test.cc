#include "runtime/scheduler/idle.h"

#include <gtest/gtest.h>

namespace eddy::scheduler {
namespace {

TEST(Idle, NobodyIsWokenWhileAllAreAwake) {
  Idle idle(2);
  EXPECT_EQ(idle.notify_one(), std::nullopt);
  EXPECT_FALSE(idle.snapshot().all_parked);
}

TEST(Idle, TheLastToSleepIsWokenFirst) {
  Idle idle(3);
  idle.count_as_parked(0);
  idle.count_as_parked(2);
  EXPECT_EQ(idle.notify_one(), 2u);
}

TEST(Idle, WhoIsWokenCountsAsSearching) {
  Idle idle(3);
  idle.count_as_parked(0);
  idle.count_as_parked(1);
  EXPECT_EQ(idle.notify_one(), 1u);
  EXPECT_EQ(idle.notify_one(), std::nullopt);  // 1 searches already
  EXPECT_TRUE(idle.stop_searching());          // it was the last one
  EXPECT_EQ(idle.notify_one(), 0u);
}

TEST(Idle, AtMostHalfOfTheWorkersSearch) {
  Idle idle(4);
  EXPECT_TRUE(idle.try_search());
  EXPECT_TRUE(idle.try_search());
  EXPECT_FALSE(idle.try_search());
  EXPECT_FALSE(idle.stop_searching());
  EXPECT_TRUE(idle.try_search());
  EXPECT_FALSE(idle.stop_searching());
  EXPECT_TRUE(idle.stop_searching());
}

TEST(Idle, AnOnlyWorkerMaySearch) {
  Idle idle(1);
  EXPECT_TRUE(idle.try_search());
  EXPECT_FALSE(idle.try_search());
  EXPECT_TRUE(idle.stop_searching());
}

TEST(Idle, WhoWasChosenCannotStayAwakeByItself) {
  Idle idle(2);
  idle.count_as_parked(0);
  EXPECT_TRUE(idle.unpark_self(0));
  idle.count_as_parked(0);
  EXPECT_EQ(idle.notify_one(), 0u);
  EXPECT_FALSE(idle.unpark_self(0));  // its token is on the way
}

TEST(Idle, WhoStaysAwakeForWorkSearches) {
  Idle idle(2);
  idle.count_as_parked(0);
  EXPECT_FALSE(idle.has_searchers());
  EXPECT_TRUE(idle.search_self(0));
  EXPECT_TRUE(idle.has_searchers());
  EXPECT_FALSE(idle.has_sleepers());
  EXPECT_TRUE(idle.stop_searching());
  idle.count_as_parked(0);
  EXPECT_EQ(idle.notify_one(), 0u);
  EXPECT_FALSE(idle.search_self(0));  // it does already
  EXPECT_TRUE(idle.stop_searching());
}

// G2
TEST(Idle, TheSnapshotTellsOfWakesInBetween) {
  Idle idle(2);
  idle.count_as_parked(0);
  EXPECT_FALSE(idle.snapshot().all_parked);
  idle.count_as_parked(1);
  const Idle::Snapshot before = idle.snapshot();
  EXPECT_TRUE(before.all_parked);
  EXPECT_EQ(idle.notify_one(), 1u);
  EXPECT_FALSE(idle.snapshot().all_parked);
  (void)idle.stop_searching();
  idle.count_as_parked(1);
  EXPECT_TRUE(idle.snapshot().all_parked);
  EXPECT_NE(idle.snapshot().epoch, before.epoch);
}

TEST(Idle, CountsTheMostWorkersThereMayBe) {
  Idle idle(Idle::kMaxWorkers);
  for (uint32_t i = 0; i < Idle::kMaxWorkers; ++i) idle.count_as_parked(i);
  EXPECT_TRUE(idle.snapshot().all_parked);
  for (uint32_t i = Idle::kMaxWorkers; i-- > 0;) {
    EXPECT_EQ(idle.notify_one(), i);
    EXPECT_TRUE(idle.stop_searching());
  }
  EXPECT_EQ(idle.notify_one(), std::nullopt);
}

TEST(Idle, HoldersWatchUntilOneSeesASleeper) {
  Idle idle(2);
  EXPECT_TRUE(idle.is_watched());
  EXPECT_FALSE(idle.end_watch());
  idle.count_as_parked(0);
  EXPECT_TRUE(idle.is_watched());
  EXPECT_TRUE(idle.end_watch());
  EXPECT_FALSE(idle.is_watched());
}

TEST(Idle, WhoWakesUpLastTellsTheHolders) {
  Idle idle(2);
  idle.count_as_parked(0);
  idle.count_as_parked(1);
  EXPECT_FALSE(idle.begin_watch());
  EXPECT_TRUE(idle.end_watch());
  EXPECT_TRUE(idle.unpark_self(1));
  EXPECT_FALSE(idle.begin_watch());  // 0 would be woken
  EXPECT_EQ(idle.notify_one(), 0u);
  EXPECT_FALSE(idle.unpark_self(0));
  EXPECT_TRUE(idle.begin_watch());
  EXPECT_TRUE(idle.is_watched());
  EXPECT_FALSE(idle.begin_watch());  // they know
}

}  // namespace
}  // namespace eddy::scheduler
