#include "runtime/scheduler/live_tasks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/runtime/scheduler/fake_task.h"

namespace eddy::scheduler {
namespace {

TEST(LiveTasks, CountsWhatIsInIt) {
  LiveTasks live(4);
  std::vector<FakeTask> tasks(100);
  for (FakeTask& task : tasks) EXPECT_TRUE(live.add(task));
  EXPECT_EQ(live.alive(), 100u);
  for (FakeTask& task : tasks) EXPECT_TRUE(live.remove(task));
  EXPECT_EQ(live.alive(), 0u);
  EXPECT_EQ(live.take(), nullptr);
}

TEST(LiveTasks, TakeGivesEachTaskOnce) {
  LiveTasks live(4);
  std::vector<FakeTask> tasks(100);
  for (FakeTask& task : tasks) EXPECT_TRUE(live.add(task));
  std::vector<task::Header*> taken;
  while (task::Header* task = live.take()) taken.push_back(task);
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(std::unique(taken.begin(), taken.end()), taken.end());
  EXPECT_EQ(taken.size(), 100u);
  EXPECT_EQ(live.alive(), 100u);  // until they are removed
}

TEST(LiveTasks, WhoIsTakenIsAliveUntilRemoved) {
  LiveTasks live(1);
  FakeTask task;
  EXPECT_TRUE(live.add(task));
  EXPECT_EQ(live.take(), &task);
  EXPECT_EQ(live.alive(), 1u);
  EXPECT_FALSE(live.remove(task));  // its reference went to take()
  EXPECT_EQ(live.alive(), 0u);
}

TEST(LiveTasks, RemovedFromEveryPlaceOfAList) {
  for (size_t victim : {0u, 1u, 2u}) {
    LiveTasks live(1);
    std::vector<FakeTask> tasks(3);
    for (FakeTask& task : tasks) EXPECT_TRUE(live.add(task));
    EXPECT_TRUE(live.remove(tasks[victim]));
    for (int i = 0; i < 2; ++i) {
      task::Header* task = live.take();
      ASSERT_NE(task, nullptr);
      EXPECT_NE(task, &tasks[victim]);
    }
    EXPECT_EQ(live.take(), nullptr);
  }
}

TEST(LiveTasks, TakesNobodyOnceClosed) {
  LiveTasks live(4);
  FakeTask before, after;
  EXPECT_TRUE(live.add(before));
  live.close();
  EXPECT_FALSE(live.add(after));
  EXPECT_TRUE(live.was_added(before));
  EXPECT_FALSE(live.was_added(after));
  EXPECT_FALSE(live.remove(after));
  EXPECT_EQ(live.alive(), 1u);
  EXPECT_EQ(live.take(), &before);
  EXPECT_FALSE(live.remove(before));
  EXPECT_EQ(live.alive(), 0u);
}

}  // namespace
}  // namespace eddy::scheduler
