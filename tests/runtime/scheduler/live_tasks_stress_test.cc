// Property: while tasks begin, wait and end, on the thread in whose list they
// are or on another, closing the lists and taking what is in them leaves no
// task behind: each that was listed is dismissed, or taken, or both; and each
// of its references is dropped exactly once.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   enlist() does not look at `closed`: a task is left in its list
//   close() does not wait for the owners: two threads change a list
//   dismiss() gives the reference of a task that was taken as well
//   dismiss() gives the reference of a remnant, which is the list's
//   a sweep drops the reference of a task that has not ended
#include <gtest/gtest.h>

#include <atomic>
#include <optional>

#include "runtime/scheduler/live_tasks.h"
#include "tests/runtime/scheduler/fake_task.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;

constexpr int kSpawners = 3, kTasks = 8;  // the last has no list of its own

struct Round {
  // A task, and who may end it: once it waits, the first who asks.
  struct Entry {
    FakeTask task;
    std::atomic<bool> waits{false};
  };

  std::optional<LiveTasks> live{std::in_place, kSpawners - 1};
  Entry entries[kSpawners][kTasks];
};

// As Header does it: the queue entry's reference ends with the run(), and the
// list's too if dismiss() says so.
void end(Round& round, FakeTask& task, int me) {
  task.value = 1;
  const bool is_mine = round.live->dismiss(task, me);
  task.run();
  if (is_mine) task.release();
}

void spin(uint32_t turns) {
  while (turns-- > 0) std::atomic_signal_fence(std::memory_order_seq_cst);
}

void spawn_and_end(Round& round, int me, Random& random) {
  for (int i = 0; i < kTasks; ++i) {
    Round::Entry& entry = round.entries[me][i];
    if (!round.live->admit(me)) {
      entry.task.run();
      entry.task.release();  // the list's, which has not taken it
      continue;
    }
    spin(random.below(1000));  // its first turn
    if (!round.live->enlist(entry.task, me)) {
      end(round, entry.task, me);
      continue;
    }
    // A wake and a turn come between this and the end: what they order, this
    // does as well.
    entry.waits.store(true, std::memory_order_release);
    Round::Entry& other =
        round.entries[random.below(kSpawners)][random.below(kTasks)];
    if (other.waits.exchange(false, std::memory_order_acq_rel)) {
      end(round, other.task, me);
    }
  }
}

void close_and_take(Round& round, int, Random& random) {
  spin(random.below(2000));
  round.live->close();
  while (task::Header* task = round.live->take()) task->release();
}

TEST(LiveTasks, ClosingLeavesNobodyBehind) {
  testing::Stress<Round> stress(/*rounds=*/20'000);
  stress.threads(kSpawners, spawn_and_end);
  stress.threads(1, close_and_take);
  stress.run([](Round& round) {
    EXPECT_EQ(round.live->take(), nullptr);
    for (auto& entries : round.entries) {
      for (Round::Entry& entry : entries) {
        if (!entry.waits.load()) continue;
        EXPECT_FALSE(round.live->dismiss(entry.task, kSpawners - 1));
        entry.task.run();
      }
    }
    EXPECT_EQ(round.live->alive(), 0u);
    round.live.reset();
    for (auto& entries : round.entries) {
      for (Round::Entry& entry : entries) {
        EXPECT_EQ(entry.task.destroyed.load(), 0);
        entry.task.release();  // the JoinHandle's
        EXPECT_EQ(entry.task.destroyed.load(), 1);
      }
    }
  });
}

}  // namespace
}  // namespace eddy::scheduler
