#include "runtime/blocking/job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "runtime/task/cell.h"
#include "tests/support/manual_scheduler.h"

namespace eddy::blocking {
namespace {

using testing::ManualScheduler;

class Nothing {
 public:
  using Output = void;
  Nothing() {}
  Poll<void> poll(Context&) { return kReady; }
};

// Jobs that only lie in queues, with the reference that a queue entry has.
class Jobs {
 public:
  explicit Jobs(int count) {
    for (int i = 0; i < count; ++i) {
      jobs_.push_back(new task::Cell<Nothing>(scheduler_, Nothing()));
    }
  }
  ~Jobs() {
    scheduler_.closed = true;
    for (task::Header* job : jobs_) {
      JoinHandle<void> handle(*job);
      job->launch();  // cancelled at once
    }
  }
  task::Header& operator[](int i) { return *jobs_[i]; }

 private:
  ManualScheduler scheduler_;
  std::vector<task::Header*> jobs_;
};

TEST(JobQueue, IsFirstInFirstOutForOneProducer) {
  Jobs jobs(3);
  JobQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.push(jobs[i]));
  EXPECT_EQ(queue.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.pop(), &jobs[i]);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
}

// Property: what several threads push, several threads pop, each job once.
TEST(JobQueue, EveryJobIsTakenOnce) {
  constexpr int kProducers = 2, kConsumers = 2, kRounds = 20'000;
  Jobs jobs(kProducers);
  JobQueue queue;
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int producer = 0; producer < kProducers; ++producer) {
    threads.emplace_back([&, producer] {
      for (int i = 0; i < kRounds; ++i) EXPECT_TRUE(queue.push(jobs[producer]));
    });
  }
  for (int consumer = 0; consumer < kConsumers; ++consumer) {
    threads.emplace_back([&] {
      while (taken.load(std::memory_order_relaxed) < kProducers * kRounds) {
        if (queue.pop() == nullptr) {
          std::this_thread::yield();
        } else {
          taken.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.load(), kProducers * kRounds);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
}

}  // namespace
}  // namespace eddy::blocking
