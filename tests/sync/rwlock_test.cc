#include "sync/rwlock.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

TEST(RwLock, ManyReadOneWrites) {
  RwLock<int> lock(1);
  {
    auto one = lock.try_read(), two = lock.try_read();
    EXPECT_TRUE(one.has_value() && two.has_value());
    EXPECT_FALSE(lock.try_write().has_value());
  }
  auto writer = lock.try_write();
  ASSERT_TRUE(writer.has_value());
  **writer = 2;
  EXPECT_FALSE(lock.try_read().has_value());
  EXPECT_FALSE(lock.try_write().has_value());
  writer.reset();
  EXPECT_EQ(**lock.try_read(), 2);
}

TEST(RwLock, AWaitingWriterKeepsLaterReadersOut) {
  RwLock<int> lock;
  WakeCounter writers, readers;
  auto reading = lock.try_read();
  RwLock<int>::Write write = lock.write();
  EXPECT_TRUE(write.poll(writers.context()).is_pending());
  EXPECT_FALSE(lock.try_read().has_value());
  RwLock<int>::Read one = lock.read(), two = lock.read();
  EXPECT_TRUE(one.poll(readers.context()).is_pending());
  EXPECT_TRUE(two.poll(readers.context()).is_pending());
  reading.reset();
  EXPECT_EQ(writers.wakes(), 1);
  EXPECT_EQ(readers.wakes(), 0);
  std::optional<RwLock<int>::WriteGuard> writing(
      *write.poll(writers.context()));
  writing.reset();
  EXPECT_EQ(readers.wakes(), 2);  // both at once
  Poll<RwLock<int>::ReadGuard> first = one.poll(readers.context());
  EXPECT_TRUE(two.poll(readers.context()).is_ready());
}

// E2
TEST(RwLock, ADroppedWriterLetsTheReadersIn) {
  RwLock<int> lock;
  WakeCounter writers, readers;
  auto reading = lock.try_read();
  std::optional<RwLock<int>::Write> write(lock.write());
  RwLock<int>::Read read = lock.read();
  EXPECT_TRUE(write->poll(writers.context()).is_pending());
  EXPECT_TRUE(read.poll(readers.context()).is_pending());
  write.reset();
  EXPECT_EQ(readers.wakes(), 1);
  EXPECT_TRUE(read.poll(readers.context()).is_ready());
  EXPECT_EQ(writers.kept_wakers(), 0);
}

TEST(RwLock, ADowngradeLetsReadersInAndNoWriter) {
  RwLock<int> lock(1);
  auto reading = std::move(*lock.try_write()).downgrade();
  EXPECT_EQ(*reading, 1);
  EXPECT_TRUE(lock.try_read().has_value());
  EXPECT_FALSE(lock.try_write().has_value());
  {
    auto last = std::move(reading);
  }
  EXPECT_TRUE(lock.try_write().has_value());
}

TEST(RwLock, OwnedGuardsKeepTheLock) {
  auto lock = std::make_shared<RwLock<int>>(3);
  const std::weak_ptr<RwLock<int>> watch = lock;
  WakeCounter waker;
  {
    auto write = RwLock<int>::write_owned(lock);
    auto read = RwLock<int>::read_owned(std::move(lock));
    std::optional<RwLock<int>::OwnedWriteGuard> writing(
        *write.poll(waker.context()));
    EXPECT_TRUE(read.poll(waker.context()).is_pending());
    writing.reset();
    Poll<RwLock<int>::OwnedReadGuard> reading = read.poll(waker.context());
    EXPECT_EQ(**reading, 3);
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(RwLock, OwnedGuardsAreTriedToo) {
  auto lock = std::make_shared<RwLock<int>>(3);
  auto reading = RwLock<int>::try_read_owned(lock);
  ASSERT_TRUE(reading.has_value());
  EXPECT_FALSE(RwLock<int>::try_write_owned(lock).has_value());
  reading.reset();
  auto writing = RwLock<int>::try_write_owned(std::move(lock));
  **writing = 4;
  auto downgraded = std::move(*writing).downgrade();
  EXPECT_EQ(*downgraded, 4);
}

// D2: a part that can't be had leaves the lock where it was.
TEST(RwLock, AMapThatThrowsUnlocksWithItsGuard) {
  RwLock<int> lock;
  {
    auto writing = lock.try_write();
    auto fail = [](int&) -> int& { throw std::runtime_error("no part"); };
    EXPECT_THROW((void)std::move(*writing).map(fail), std::runtime_error);
    EXPECT_FALSE(lock.try_read().has_value());
  }
  EXPECT_TRUE(lock.try_write().has_value());
}

TEST(RwLock, ThreadsMayBlock) {
  RwLock<int> lock;
  auto writing = lock.try_write();
  std::thread other([&] { EXPECT_EQ(*lock.blocking_read(), 5); });
  **writing = 5;
  writing.reset();
  other.join();
  *lock.blocking_write() = 6;
  EXPECT_EQ(lock.get_unlocked(), 6);
}

struct Pair {
  int one = 0;
  int two = 0;
};

Task<> read_and_write(RwLock<Pair>* lock, int times) {
  for (int i = 0; i < times; ++i) {
    if (i % 4 == 0) {
      auto writing = co_await lock->write();
      ++writing->one;
      co_await yield_now();
      ++writing->two;
    } else {
      auto reading = co_await lock->read();
      EXPECT_EQ(reading->one, reading->two);
      co_await yield_now();
      EXPECT_EQ(reading->one, reading->two);
    }
  }
}

// H1: readers and writers all get through, and none sees another's half.
TEST(RwLock, TasksReadWhatWasWritten) {
  constexpr int kTasks = 50, kTimes = 100;
  RwLock<Pair> lock;
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  std::vector<JoinHandle<void>> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(runtime->spawn(read_and_write(&lock, kTimes)));
  }
  for (JoinHandle<void>& task : tasks) {
    EXPECT_TRUE(runtime->block_on(std::move(task)).has_value());
  }
  EXPECT_EQ(lock.get_unlocked().two, kTasks * kTimes / 4);
}

}  // namespace
}  // namespace eddy::sync
