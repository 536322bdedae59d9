// Property: while tasks begin, wait and end, closing the lists and taking what
// is in them leaves no task behind: each that waits is either dismissed by the
// one who completes it, or taken, or was told to end; and the list's reference
// goes to exactly one of the two.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   enlist() does not look at `closed`: a task is left in its list
//   dismiss() gives the reference of a task that was taken as well
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/scheduler/live_tasks.h"
#include "tests/runtime/scheduler/fake_task.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;

constexpr int kSpawners = 3, kTasks = 8;  // the last has no list of its own

struct Round {
  LiveTasks live{kSpawners - 1};
  FakeTask tasks[kSpawners][kTasks];
  // References that somebody got; relaxed counters add no order.
  std::atomic<int> references[kSpawners][kTasks] = {};
  bool ended[kSpawners][kTasks] = {};
  int taken = 0;
};

void spawn_and_complete(Round& round, int me, Random& random) {
  for (int i = 0; i < kTasks; ++i) {
    FakeTask& task = round.tasks[me][i];
    std::atomic<int>& references = round.references[me][i];
    if (!round.live.admit(me)) {
      references = 1;  // still ours
      round.ended[me][i] = true;
      continue;
    }
    const bool waits = round.live.enlist(task, me);
    if (waits && random.below(2) == 0) continue;  // ends later
    task.value = 1;                               // has ended
    round.ended[me][i] = true;
    if (round.live.dismiss(task, me)) {
      references.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void close_and_take(Round& round, int, Random& random) {
  for (uint32_t spin = random.below(2000); spin > 0; --spin) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  round.live.close();
  while (task::Header* task = round.live.take()) {
    ++round.taken;
    for (int s = 0; s < kSpawners; ++s) {
      for (int i = 0; i < kTasks; ++i) {
        if (task == &round.tasks[s][i]) {
          round.references[s][i].fetch_add(1, std::memory_order_relaxed);
        }
      }
    }
  }
}

TEST(LiveTasks, ClosingLeavesNobodyBehind) {
  testing::Stress<Round> stress(/*rounds=*/20'000);
  stress.threads(kSpawners, spawn_and_complete);
  stress.threads(1, close_and_take);
  stress.run([](Round& round) {
    EXPECT_EQ(round.live.take(), nullptr);
    for (int s = 0; s < kSpawners; ++s) {
      for (int i = 0; i < kTasks; ++i) {
        EXPECT_EQ(round.references[s][i].load(), 1);
        if (!round.ended[s][i]) {
          EXPECT_FALSE(round.live.dismiss(round.tasks[s][i], s));
        }
      }
    }
    EXPECT_EQ(round.live.alive(), 0u);
  });
}

}  // namespace
}  // namespace eddy::scheduler
