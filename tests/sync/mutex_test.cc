#include "sync/mutex.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
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

TEST(AsyncMutex, OneAtATime) {
  Mutex<int> mutex(41);
  WakeCounter waker;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  ++**guard;
  EXPECT_FALSE(mutex.try_lock().has_value());
  Mutex<int>::Lock lock = mutex.lock();
  EXPECT_TRUE(lock.poll(waker.context()).is_pending());
  guard.reset();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_FALSE(mutex.try_lock().has_value());  // it is on its way
  EXPECT_EQ(**lock.poll(waker.context()), 42);
  EXPECT_TRUE(mutex.try_lock().has_value());
}

// H1: whoever runs may pass the one who was woken, but once only.
TEST(AsyncMutex, TheWokenMayBePassedOnce) {
  Mutex<int> mutex;
  WakeCounter first, second, third;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  Mutex<int>::Lock a = mutex.lock(), b = mutex.lock(), c = mutex.lock();
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  guard.reset();
  EXPECT_EQ(first.wakes(), 1);
  {
    Mutex<int>::Lock passes = mutex.lock();
    guard.emplace(*passes.poll(third.context()));
  }
  guard.reset();
  EXPECT_EQ(first.wakes(), 1);
  guard.emplace(*mutex.lock().poll(third.context()));
  EXPECT_TRUE(a.poll(first.context()).is_pending());  // the next from now on
  guard.reset();
  EXPECT_EQ(first.wakes(), 2);
  EXPECT_TRUE(c.poll(third.context()).is_pending());
  guard.emplace(*a.poll(first.context()));
  EXPECT_EQ(second.wakes(), 0);
  guard.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(b.poll(second.context()).is_ready());
  EXPECT_EQ(third.wakes(), 1);
  EXPECT_TRUE(c.poll(third.context()).is_ready());
  EXPECT_TRUE(mutex.try_lock().has_value());
}

// D4, E2: in each of the states of its wait.
TEST(AsyncMutex, ADroppedWaitLeavesTheMutexToOthers) {
  enum class Drop { kWaiting, kWoken, kNext, kNextAfterUnlock };
  for (Drop drop :
       {Drop::kWaiting, Drop::kWoken, Drop::kNext, Drop::kNextAfterUnlock}) {
    for (bool another : {false, true}) {
      Mutex<int> mutex;
      WakeCounter first, second;
      std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
      std::optional<Mutex<int>::Lock> a(mutex.lock());
      Mutex<int>::Lock b = mutex.lock();
      EXPECT_TRUE(a->poll(first.context()).is_pending());
      if (another) {
        EXPECT_TRUE(b.poll(second.context()).is_pending());
      }
      if (drop != Drop::kWaiting) guard.reset();
      if (drop >= Drop::kNext) {
        guard.emplace(*mutex.lock().poll(second.context()));
        EXPECT_TRUE(a->poll(first.context()).is_pending());
      }
      if (drop == Drop::kNextAfterUnlock) guard.reset();
      a.reset();
      guard.reset();
      EXPECT_EQ(first.kept_wakers(), 0);
      EXPECT_EQ(second.wakes(), another ? 1 : 0);
      EXPECT_TRUE(b.poll(second.context()).is_ready());
      EXPECT_TRUE(mutex.try_lock().has_value());
    }
  }
}

// E2
TEST(AsyncMutex, ADroppedWaitHandsOnTheLock) {
  Mutex<int> mutex;
  WakeCounter first, second;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  std::optional<Mutex<int>::Lock> a(mutex.lock());
  Mutex<int>::Lock b = mutex.lock();
  EXPECT_TRUE(a->poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  guard.reset();
  a.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(b.poll(second.context()).is_ready());
  EXPECT_TRUE(mutex.try_lock().has_value());
}

TEST(AsyncMutex, AMappedGuardHoldsTheLock) {
  struct Session {
    std::string name;
    int uses = 0;
  };
  Mutex<Session> mutex;
  {
    auto uses = std::move(*mutex.try_lock()).map([](Session& s) -> int& {
      return s.uses;
    });
    *uses = 7;
    EXPECT_FALSE(mutex.try_lock().has_value());
  }
  EXPECT_EQ((*mutex.try_lock())->uses, 7);
}

TEST(AsyncMutex, AnOwnedGuardKeepsTheMutex) {
  auto mutex = std::make_shared<Mutex<int>>(1);
  const std::weak_ptr<Mutex<int>> watch = mutex;
  WakeCounter waker;
  auto guard = Mutex<int>::try_lock_owned(mutex);
  auto lock = Mutex<int>::lock_owned(std::move(mutex));
  EXPECT_TRUE(lock.poll(waker.context()).is_pending());
  guard.reset();
  guard.emplace(*lock.poll(waker.context()));
  EXPECT_EQ(**guard, 1);
  EXPECT_FALSE(watch.expired());
  guard.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(AsyncMutex, BlockingLockWaits) {
  Mutex<int> mutex;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  std::thread other([&] { ++*mutex.blocking_lock(); });
  ++**guard;
  guard.reset();
  other.join();
  EXPECT_EQ(*mutex.blocking_lock(), 2);
}

Task<> add_many(Mutex<int>* mutex, int times) {
  for (int i = 0; i < times; ++i) {
    auto guard = co_await mutex->lock();
    const int before = *guard;
    if (i % 8 == 0) co_await yield_now();
    *guard = before + 1;
  }
}

// H1: a hundred tasks get through, and none overtakes another's addition.
TEST(AsyncMutex, TasksExcludeEachOther) {
  constexpr int kTasks = 100, kTimes = 100;
  Mutex<int> mutex;
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  std::vector<JoinHandle<void>> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(runtime->spawn(add_many(&mutex, kTimes)));
  }
  for (JoinHandle<void>& task : tasks) {
    EXPECT_TRUE(runtime->block_on(std::move(task)).has_value());
  }
  EXPECT_EQ(mutex.get_unlocked(), kTasks * kTimes);
}

}  // namespace
}  // namespace eddy::sync
