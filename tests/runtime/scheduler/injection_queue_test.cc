#include "runtime/scheduler/injection_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/runtime/scheduler/fake_task.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

TEST(InjectionQueue, FirstInFirstOutForOneProducer) {
  InjectionQueue queue;
  InjectionQueue::Consumer consumer(queue);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(consumer.pop(), nullptr);

  std::vector<FakeTask> tasks(1000);
  std::vector<task::Header*> half;
  for (size_t i = 0; i < 500; ++i) queue.push(&tasks[i]);
  for (size_t i = 500; i < 1000; ++i) half.push_back(&tasks[i]);
  queue.push_all(half);
  EXPECT_EQ(queue.size(), 1000u);
  for (FakeTask& task : tasks) EXPECT_EQ(consumer.pop(), &task);
  EXPECT_TRUE(queue.empty());
}

TEST(InjectionQueue, PopSomeTakesAtMostWhatItIsAskedFor) {
  InjectionQueue queue;
  InjectionQueue::Consumer consumer(queue);
  std::vector<FakeTask> tasks(10);
  for (FakeTask& task : tasks) queue.push(&task);
  std::vector<task::Header*> batch(7);
  EXPECT_EQ(consumer.pop_some(batch), 7u);
  EXPECT_EQ(consumer.pop_some(batch), 3u);
  EXPECT_EQ(consumer.pop_some(batch), 0u);
}

// H1: a task comes out after at most kQuota tasks of each producer that came
// before it, however many they have queued.
TEST(InjectionQueue, AFloodDoesNotStarveAnotherProducer) {
  constexpr int kFloods = 3;
  constexpr int kQuota = 256;
  for (bool one_by_one : {true, false}) {
    InjectionQueue queue;
    InjectionQueue::Consumer consumer(queue);
    std::vector<FakeTask> flood(kFloods * 5000);
    FakeTask victim;
    // All producers live until the end: the queue tells them by their thread.
    std::atomic<int> turn{0};
    std::vector<std::thread> producers;
    for (int p = 0; p <= kFloods; ++p) {
      producers.emplace_back([&, p] {
        while (turn.load() != p) std::this_thread::yield();
        if (p == kFloods) {
          queue.push(&victim);
        } else {
          for (int i = 0; i < 5000; ++i) queue.push(&flood[p * 5000 + i]);
        }
        turn.fetch_add(1);
        while (turn.load() != -1) std::this_thread::yield();
      });
    }
    while (turn.load() != kFloods + 1) std::this_thread::yield();
    int before = 0;
    std::vector<task::Header*> batch(one_by_one ? 1 : 128);
    for (bool found = false; !found;) {
      const size_t count = consumer.pop_some(batch);
      ASSERT_GT(count, 0u);
      for (size_t i = 0; i < count && !found; ++i) {
        found = batch[i] == &victim;
        if (!found) ++before;
      }
    }
    EXPECT_LE(before, (kFloods + 1) * kQuota);
    turn.store(-1);
    for (std::thread& producer : producers) producer.join();
  }
}

// Property: every task that is pushed is popped once, and whoever pops it sees
// what was written to it before the push. `pushing` is relaxed.
struct Round {
  static constexpr int kProducers = 3, kTasks = 40;
  InjectionQueue queue;
  FakeTask tasks[kProducers][kTasks];
  std::atomic<int> pushing{kProducers};
};

void produce(Round& round, int me, testing::Random& random) {
  for (int i = 0; i < Round::kTasks;) {
    const int batch = random.below(2) == 0 ? 1 : std::min(5, Round::kTasks - i);
    std::vector<task::Header*> tasks;
    for (int n = 0; n < batch; ++n, ++i) {
      round.tasks[me][i].value = 1;
      tasks.push_back(&round.tasks[me][i]);
    }
    if (batch == 1) {
      round.queue.push(tasks[0]);
    } else {
      round.queue.push_all(tasks);
    }
  }
  round.pushing.fetch_sub(1, std::memory_order_relaxed);
}

void consume(Round& round, int, testing::Random&) {
  InjectionQueue::Consumer consumer(round.queue);
  while (round.pushing.load(std::memory_order_relaxed) > 0 ||
         !round.queue.empty()) {
    while (task::Header* task = consumer.pop()) {
      ++static_cast<FakeTask*>(task)->value;
    }
    std::this_thread::yield();
  }
}

TEST(InjectionQueue, EveryTaskIsPoppedOnce) {
  testing::Stress<Round> stress(/*rounds=*/300);
  stress.threads(Round::kProducers, produce);
  stress.threads(2, consume);
  stress.run([](Round& round) {
    InjectionQueue::Consumer consumer(round.queue);
    while (task::Header* task = consumer.pop()) {
      ++static_cast<FakeTask*>(task)->value;
    }
    for (auto& tasks : round.tasks) {
      for (FakeTask& task : tasks) EXPECT_EQ(task.value, 2);
    }
  });
}

// Property: where each pushes a task and then empties the queue, as those do
// who come when no worker is left, nothing stays behind. A plain pop() breaks
// it, but only while another consumer is between two instructions.
struct LateRound {
  static constexpr int kCallers = 3, kTasks = 4;
  InjectionQueue queue;
  FakeTask tasks[kCallers][kTasks];
};

void push_and_empty(LateRound& round, int me, testing::Random&) {
  for (FakeTask& task : round.tasks[me]) {
    round.queue.push(&task);
    InjectionQueue::Consumer consumer(round.queue);
    while (task::Header* taken = consumer.pop_until_empty()) {
      ++static_cast<FakeTask*>(taken)->value;
    }
  }
}

TEST(InjectionQueue, NothingStaysBehindWhereEachEmptiesIt) {
  testing::Stress<LateRound> stress(/*rounds=*/5'000);
  stress.threads(LateRound::kCallers, push_and_empty);
  stress.run([](LateRound& round) {
    EXPECT_TRUE(round.queue.empty());
    for (auto& tasks : round.tasks) {
      for (FakeTask& task : tasks) EXPECT_EQ(task.value, 1);
    }
  });
}

}  // namespace
}  // namespace eddy::scheduler
