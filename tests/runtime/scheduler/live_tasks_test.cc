#include "runtime/scheduler/live_tasks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/runtime/scheduler/fake_task.h"

namespace eddy::scheduler {
namespace {

// Of two workers and all others.
constexpr uint32_t kWorkers = 2, kOthers = 2;

void begin(LiveTasks& live, FakeTask& task, uint32_t list) {
  EXPECT_TRUE(live.admit(list));
  EXPECT_TRUE(live.enlist(task, list));
}

TEST(LiveTasks, CountsWhatHasNotEnded) {
  std::vector<FakeTask> tasks(100);
  LiveTasks live(kWorkers);
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_TRUE(live.admit(i % 3));
    if (i % 2 == 0) {
      EXPECT_TRUE(live.enlist(tasks[i], i % 3));
    }
  }
  EXPECT_EQ(live.alive(), 100u);
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_TRUE(live.dismiss(tasks[i], i % 3));
  }
  EXPECT_EQ(live.alive(), 0u);
  live.close();
  EXPECT_EQ(live.take(), nullptr);
}

TEST(LiveTasks, TakeGivesEachListedTaskOnce) {
  std::vector<FakeTask> tasks(100);
  LiveTasks live(kWorkers);
  for (size_t i = 0; i < tasks.size(); ++i) begin(live, tasks[i], i % 3);
  live.close();
  std::vector<task::Header*> taken;
  while (task::Header* task = live.take()) taken.push_back(task);
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(std::unique(taken.begin(), taken.end()), taken.end());
  EXPECT_EQ(taken.size(), 100u);
  EXPECT_EQ(live.alive(), 100u);  // until they are dismissed
}

TEST(LiveTasks, WhoIsTakenIsAliveUntilDismissed) {
  FakeTask task;
  LiveTasks live(kWorkers);
  begin(live, task, 0);
  live.close();
  EXPECT_EQ(live.take(), &task);
  EXPECT_EQ(live.alive(), 1u);
  EXPECT_FALSE(live.dismiss(task, 0));  // its reference went to take()
  EXPECT_EQ(live.alive(), 0u);
}

TEST(LiveTasks, LeavesFromEveryPlaceOfAList) {
  for (uint32_t list : {0u, kOthers}) {
    for (size_t victim : {0u, 1u, 2u}) {
      std::vector<FakeTask> tasks(3);
      LiveTasks live(kWorkers);
      for (FakeTask& task : tasks) begin(live, task, list);
      EXPECT_TRUE(live.dismiss(tasks[victim], list));
      live.close();
      for (int i = 0; i < 2; ++i) {
        task::Header* task = live.take();
        ASSERT_NE(task, nullptr);
        EXPECT_NE(task, &tasks[victim]);
      }
      EXPECT_EQ(live.take(), nullptr);
    }
  }
}

TEST(LiveTasks, TakesNobodyInOnceClosed) {
  FakeTask listed, running;
  LiveTasks live(kWorkers);
  begin(live, listed, 0);
  EXPECT_TRUE(live.admit(0));  // `running`, which has not waited yet
  live.close();
  EXPECT_TRUE(live.is_closed());
  EXPECT_FALSE(live.admit(0));
  EXPECT_FALSE(live.enlist(running, 0));
  EXPECT_TRUE(live.dismiss(running, 0));
  EXPECT_EQ(live.alive(), 1u);
  EXPECT_EQ(live.take(), &listed);
  EXPECT_FALSE(live.dismiss(listed, 0));
  EXPECT_EQ(live.alive(), 0u);
}

// Ends `task` on a thread that is not the owner of its list, and gives up all
// references but the list's.
void end_elsewhere(LiveTasks& live, FakeTask& task) {
  EXPECT_FALSE(live.dismiss(task, 1));
  task.run();
  task.release();  // as the JoinHandle
  EXPECT_EQ(task.destroyed.load(), 0);
}

TEST(LiveTasks, WhatEndsElsewhereIsSweptByTheOwner) {
  std::vector<FakeTask> tasks(50), later(120);
  LiveTasks live(kWorkers);
  for (FakeTask& task : tasks) begin(live, task, 0);
  for (size_t i = 0; i < tasks.size(); i += 2) end_elsewhere(live, tasks[i]);
  EXPECT_EQ(live.alive(), 25u);
  // Two looks for each that comes: all of them and those before.
  for (FakeTask& task : later) begin(live, task, 0);
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(tasks[i].destroyed.load(), i % 2 == 0 ? 1 : 0);
  }
}

TEST(LiveTasks, RemnantsEndWithTheLists) {
  FakeTask task;
  std::optional<LiveTasks> live(kWorkers);
  begin(*live, task, 0);
  end_elsewhere(*live, task);
  live.reset();
  EXPECT_EQ(task.destroyed.load(), 1);
}

TEST(LiveTasks, RemnantsAreTakenToo) {
  FakeTask task;
  LiveTasks live(kWorkers);
  begin(live, task, 0);
  end_elsewhere(live, task);
  live.close();
  EXPECT_EQ(live.take(), &task);
  EXPECT_EQ(live.alive(), 0u);
}

}  // namespace
}  // namespace eddy::scheduler
