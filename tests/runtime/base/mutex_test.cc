#include "runtime/base/mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace eddy::base {
namespace {

using std::chrono::milliseconds;

// With an absl::Mutex in place of ours, ThreadSanitizer reports each of these.

TEST(Mutex, ExcludesAndOrders) {
  Mutex mu;
  int count = 0;
  auto add = [&] {
    for (int i = 0; i < 10'000; ++i) {
      MutexLock lock(&mu);
      ++count;
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(count, 20'000);
}

TEST(Mutex, TryLockExcludesAndOrders) {
  Mutex mu;
  int count = 0;
  auto add = [&] {
    for (int done = 0; done < 1'000;) {
      if (!mu.try_lock()) continue;
      ++count;
      mu.unlock();
      ++done;
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(count, 2'000);
}

TEST(Mutex, GlobalNeedsNoInitialisation) {
  static constinit Mutex mu;
  MutexLock lock(&mu);
}

TEST(Mutex, MemoryIsReusedForAnother) {
  for (int i = 0; i < 100; ++i) {
    auto mu = std::make_unique<Mutex>();
    std::thread other([&] { MutexLock lock(mu.get()); });
    { MutexLock lock(mu.get()); }
    other.join();
  }
}

class Mailbox {
 public:
  void put(std::optional<int> letter) {
    {
      MutexLock lock(&mu_);
      letters_.push_back(letter);
    }
    changed_.notify_one();
  }

  std::optional<int> take() {
    MutexLock lock(&mu_);
    while (letters_.empty()) changed_.wait(mu_);
    std::optional<int> letter = letters_.front();
    letters_.pop_front();
    return letter;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::deque<std::optional<int>> letters_ ABSL_GUARDED_BY(mu_);
};

// Property: no notification is lost, or take() would wait for ever.
TEST(CondVar, EveryLetterIsTaken) {
  constexpr int kReaders = 3, kWriters = 3, kLetters = 5'000;
  Mailbox mailbox;
  std::vector<std::thread> readers, writers;
  std::vector<int> taken(kReaders);
  for (int& mine : taken) {
    readers.emplace_back([&] {
      while (mailbox.take().has_value()) ++mine;
    });
  }
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      for (int letter = 0; letter < kLetters; ++letter) mailbox.put(letter);
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (int i = 0; i < kReaders; ++i) mailbox.put(std::nullopt);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(taken[0] + taken[1] + taken[2], kWriters * kLetters);
}

TEST(CondVar, NotifyAllWakesAll) {
  constexpr int kWaiters = 4;
  Mutex mu;
  CondVar changed;
  int waiting = 0;
  bool open = false;
  std::vector<std::thread> waiters;
  for (int i = 0; i < kWaiters; ++i) {
    waiters.emplace_back([&] {
      MutexLock lock(&mu);
      ++waiting;
      while (!open) changed.wait(mu);
    });
  }
  for (bool all = false; !all;) {
    MutexLock lock(&mu);
    all = waiting == kWaiters;
    open = all;
  }
  changed.notify_all();
  for (std::thread& waiter : waiters) waiter.join();
}

TEST(CondVar, DeadlineEndsTheWaitAndNotEarly) {
  Mutex mu;
  CondVar never;
  MutexLock lock(&mu);
  const auto deadline = CondVar::Clock::now() + milliseconds(20);
  while (never.wait_until(mu, deadline)) {
  }
  EXPECT_GE(CondVar::Clock::now(), deadline);
  EXPECT_FALSE(never.wait_until(mu, CondVar::Clock::time_point::min()));
  EXPECT_FALSE(never.wait_until(mu, CondVar::Clock::time_point()));
}

TEST(CondVar, DistantDeadlineIsNoOverflow) {
  Mutex mu;
  CondVar changed;
  bool open = false;
  std::thread opener([&] {
    {
      MutexLock lock(&mu);
      open = true;
    }
    changed.notify_one();
  });
  {
    MutexLock lock(&mu);
    const auto distant =
        CondVar::Clock::time_point::max() - std::chrono::nanoseconds(1);
    while (!open) EXPECT_TRUE(changed.wait_until(mu, distant));
  }
  opener.join();
}

}  // namespace
}  // namespace eddy::base
