#include "runtime/scheduler/local_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;

// The queue looks at no task, so numbers will do.
task::Header* task(uintptr_t number) {
  return reinterpret_cast<task::Header*>(number);
}

void push(LocalQueue& queue, uintptr_t number) {
  LocalQueue::Batch evicted;
  ASSERT_EQ(queue.push(task(number), evicted), 0u);
}

TEST(LocalQueue, FirstInFirstOut) {
  LocalQueue queue;
  for (uintptr_t i = 1; i <= 10; ++i) push(queue, i);
  EXPECT_EQ(queue.size(), 10u);
  for (uintptr_t i = 1; i <= 10; ++i) EXPECT_EQ(queue.pop(), task(i));
  EXPECT_EQ(queue.pop(), nullptr);
  EXPECT_EQ(queue.size(), 0u);
}

TEST(LocalQueue, AFullRingEvictsItsOldestHalf) {
  LocalQueue queue;
  for (uintptr_t i = 1; i <= LocalQueue::kCapacity; ++i) push(queue, i);
  EXPECT_EQ(queue.free_slots(), 0u);

  LocalQueue::Batch evicted;
  ASSERT_EQ(queue.push(task(1000), evicted), LocalQueue::kHalf + 1);
  for (uintptr_t i = 0; i < LocalQueue::kHalf; ++i) {
    EXPECT_EQ(evicted[i], task(i + 1));
  }
  EXPECT_EQ(evicted[LocalQueue::kHalf], task(1000));
  EXPECT_EQ(queue.size(), LocalQueue::kHalf);
  EXPECT_EQ(queue.pop(), task(LocalQueue::kHalf + 1));
}

TEST(LocalQueue, StealTakesHalfAndGivesTheFirstOfIt) {
  for (uint32_t count : {1u, 2u, 3u, 7u, 8u, 255u, 256u}) {
    LocalQueue victim, thief;
    for (uintptr_t i = 1; i <= count; ++i) push(victim, i);
    const uint32_t stolen = count - count / 2;
    EXPECT_EQ(victim.steal_into(thief), task(1));
    EXPECT_EQ(victim.size(), count - stolen);
    for (uintptr_t i = 2; i <= stolen; ++i) EXPECT_EQ(thief.pop(), task(i));
    EXPECT_EQ(thief.pop(), nullptr);
  }
}

TEST(LocalQueue, NothingIsStolenFromAnEmptyQueue) {
  LocalQueue victim, thief;
  EXPECT_EQ(victim.steal_into(thief), nullptr);
  push(victim, 1);
  EXPECT_EQ(victim.pop(), task(1));
  EXPECT_EQ(victim.steal_into(thief), nullptr);
}

TEST(LocalQueue, PushAllTakesWhatThereIsRoomFor) {
  LocalQueue queue;
  std::vector<task::Header*> tasks;
  for (uintptr_t i = 1; i <= queue.free_slots(); ++i) tasks.push_back(task(i));
  queue.push_all(tasks);
  EXPECT_EQ(queue.free_slots(), 0u);
  for (task::Header* expected : tasks) EXPECT_EQ(queue.pop(), expected);
}

#ifndef NDEBUG
TEST(LocalQueueDeathTest, PushAllBeyondTheRoomIsMisuse) {
  LocalQueue queue;
  std::vector<task::Header*> tasks(LocalQueue::kCapacity + 1, task(1));
  EXPECT_DEATH(queue.push_all(tasks), "no room");
}
#endif

// Two queues and what they should hold.
struct Model {
  LocalQueue real[2];
  std::deque<uintptr_t> expected[2];
  uintptr_t next = 1;

  void push(int q) {
    LocalQueue::Batch evicted;
    const uint32_t count = real[q].push(task(next), evicted);
    expected[q].push_back(next);
    if (expected[q].size() <= LocalQueue::kCapacity) {
      EXPECT_EQ(count, 0u);
    } else {
      ASSERT_EQ(count, LocalQueue::kHalf + 1);
      for (uint32_t i = 0; i < LocalQueue::kHalf; ++i) {
        EXPECT_EQ(evicted[i], task(expected[q].front()));
        expected[q].pop_front();
      }
      EXPECT_EQ(evicted[LocalQueue::kHalf], task(next));
      expected[q].pop_back();
    }
    ++next;
  }

  void push_all(int q, uint32_t count) {
    count = std::min(count, real[q].free_slots());
    std::vector<task::Header*> tasks;
    for (uint32_t i = 0; i < count; ++i, ++next) {
      tasks.push_back(task(next));
      expected[q].push_back(next);
    }
    real[q].push_all(tasks);
  }

  void pop(int q) {
    task::Header* const got = real[q].pop();
    if (expected[q].empty()) {
      EXPECT_EQ(got, nullptr);
    } else {
      EXPECT_EQ(got, task(expected[q].front()));
      expected[q].pop_front();
    }
  }

  void steal(int victim) {
    const int thief = 1 - victim;
    while (!expected[thief].empty()) pop(thief);
    const size_t queued = expected[victim].size();
    const size_t stolen = queued - queued / 2;
    task::Header* const got = real[victim].steal_into(real[thief]);
    if (stolen == 0) {
      EXPECT_EQ(got, nullptr);
      return;
    }
    for (size_t i = 0; i < stolen; ++i) {
      expected[thief].push_back(expected[victim].front());
      expected[victim].pop_front();
    }
    EXPECT_EQ(got, task(expected[thief].front()));
    expected[thief].pop_front();
  }
};

// E3: equal to a deque under random operations, in long runs of each so that
// full and empty rings are met often.
TEST(LocalQueue, EqualsItsModel) {
  Random random(testing::stress_seed());
  auto model = std::make_unique<Model>();
  for (int run = 0; run < 20'000 && !HasFailure(); ++run) {
    const int q = static_cast<int>(random.below(2));
    const uint32_t length = random.below(run % 16 == 0 ? 400 : 20);
    switch (random.below(5)) {
      case 0:
      case 1:
        for (uint32_t i = 0; i < length; ++i) model->push(q);
        break;
      case 2:
        for (uint32_t i = 0; i < length; ++i) model->pop(q);
        break;
      case 3:
        model->push_all(q, length);
        break;
      case 4:
        model->steal(q);
        break;
    }
    EXPECT_EQ(model->real[q].size(), model->expected[q].size());
  }
}

}  // namespace
}  // namespace eddy::scheduler
