// A spawned task and its wakers, polled by hand.
#include "runtime/task/header.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/task/cell.h"
#include "runtime/task/task.h"
#include "tests/runtime/task/leaves.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::ManualScheduler;

Task<int> wait_for(Event& event) {
  co_await event.wait();
  co_return 1;
}

// D5
TEST(Header, ThousandSpuriousWakesAreThousandPolls) {
  Event event;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, wait_for(event));
  EXPECT_EQ(scheduler.run(), 1u);
  for (int i = 0; i < 1000; ++i) {
    event.disturb();
    EXPECT_EQ(scheduler.run(), 1u);
  }
  EXPECT_EQ(event.polls(), 1001);
  EXPECT_FALSE(handle.is_finished());
  event.set();
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_TRUE(handle.is_finished());
}

// Nobody is polled without a wake.
TEST(Header, NoWakeIsNoPoll) {
  Event event;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, wait_for(event));
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_EQ(scheduler.run(), 0u);
  EXPECT_EQ(event.polls(), 1);
  handle.abort();
  scheduler.run();
}

// Wakes itself while it is polled: by its waker, as a foreign thread would.
class WakesItself {
 public:
  using Output = void;
  explicit WakesItself(int times) : left_(times) {}
  Poll<void> poll(Context& cx) {
    if (left_-- == 0) return kReady;
    cx.waker().wake();
    Waker(cx.waker()).wake();
    Waker by_value = cx.waker();
    std::move(by_value).wake();
    return kPending;
  }

 private:
  int left_;
};

Task<> wake_itself(int times) { co_await WakesItself(times); }

// D5
TEST(Header, WakesInsideOfAPollAreOneMorePoll) {
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, wake_itself(10));
  EXPECT_EQ(scheduler.run(), 11u);
  EXPECT_TRUE(handle.is_finished());
}

// A task that asked for its next turn and is woken as well has one entry.
TEST(Header, WakeOfATaskThatYieldedIsNotASecondEntry) {
  Event event;
  ManualScheduler scheduler;
  class WakeAndYield {
   public:
    using Output = void;
    WakeAndYield() {}
    Poll<void> poll(Context& cx) {
      if (std::exchange(done_, true)) return kReady;
      cx.waker().wake();
      return cx.yield();
    }

   private:
    bool done_ = false;
  };
  auto handle = task::launch(scheduler, WakeAndYield());
  EXPECT_EQ(scheduler.run(1), 1u);
  EXPECT_EQ(scheduler.queued(), 1u);
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_TRUE(handle.is_finished());
}

// Gives its waker away at each poll, and is ready when told.
class GivesWakerAway {
 public:
  using Output = void;
  GivesWakerAway(Waker& to, const bool& done) : to_(&to), done_(&done) {}
  Poll<void> poll(Context& cx) {
    *to_ = cx.waker();
    if (*done_) return kReady;
    return kPending;
  }

 private:
  Waker* to_;
  const bool* done_;
};

// D5
TEST(Header, WakesBeforeThePollAreOneEntry) {
  Waker waker;
  bool done = false;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, GivesWakerAway(waker, done));
  scheduler.run();
  for (int i = 0; i < 1000; ++i) waker.wake();
  EXPECT_EQ(scheduler.queued(), 1u);
  done = true;
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_TRUE(handle.is_finished());
}

// E1
TEST(Header, WakerOutlivesTaskHandleAndScheduler) {
  Waker waker;
  bool done = true;
  {
    ManualScheduler scheduler;
    task::launch(scheduler, GivesWakerAway(waker, done)).detach();
    scheduler.run();
    waker.wake();
    EXPECT_EQ(scheduler.queued(), 0u);
  }
  waker.wake();
  Waker copy = waker;
  std::move(copy).wake();
}

// E1: the task has ended, and eight threads that eddy does not know clone, wake
// and drop its waker a million times.
TEST(Header, WakerIsUsedByManyThreadsAfterTheEnd) {
  constexpr int kThreads = 8;
  constexpr int kClones = (EDDY_TSAN ? 200'000 : 1'000'000) / kThreads;
  Waker waker;
  bool done = true;
  {
    ManualScheduler scheduler;
    task::launch(scheduler, GivesWakerAway(waker, done)).detach();
    scheduler.run();
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([waker]() mutable {
      for (int n = 0; n < kClones; ++n) {
        Waker clone = waker;
        clone.wake();
        std::move(clone).wake();
      }
      std::move(waker).wake();
    });
  }
  waker = Waker();
  for (std::thread& thread : threads) thread.join();
}

// Counts entries, and runs nothing: what is in it was woken and not polled.
class CountingScheduler final : public task::Scheduler {
 public:
  void schedule(task::Header& task) noexcept override {
    entries.fetch_add(1, std::memory_order_relaxed);
    queued = &task;
  }
  void reschedule(task::Header& task) noexcept override { schedule(task); }
  bool admit(task::Header&) noexcept override { return true; }
  bool enlist(task::Header&) noexcept override { return true; }
  bool dismiss(task::Header&) noexcept override { return true; }
  void unhandled(std::exception_ptr) noexcept override {}

  std::atomic<int> entries{0};
  task::Header* queued = nullptr;
};

// E1
TEST(Header, EightThreadsMakeOneQueueEntry) {
  constexpr int kThreads = 8;
  constexpr int kClones = (EDDY_TSAN ? 200'000 : 1'000'000) / kThreads;
  Waker waker;
  bool done = false;
  CountingScheduler scheduler;
  auto handle = task::launch(scheduler, GivesWakerAway(waker, done));
  scheduler.queued->run();
  EXPECT_EQ(scheduler.entries.load(), 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([waker] {
      for (int n = 0; n < kClones; ++n) {
        Waker clone = waker;
        std::move(clone).wake();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(scheduler.entries.load(), 2);
  done = true;
  scheduler.queued->run();
  EXPECT_TRUE(handle.is_finished());
  EXPECT_EQ(scheduler.entries.load(), 2);
}

// A reference cycle that a task makes with itself ends with it.
TEST(Header, TaskThatKeepsItsOwnWakerIsFreed) {
  class KeepsItsWaker {
   public:
    using Output = void;
    explicit KeepsItsWaker(testing::Live live) : live_(live) {}
    Poll<void> poll(Context& cx) {
      waker_ = cx.waker();
      if (std::exchange(polled_, true)) return kReady;
      return kPending;
    }

   private:
    testing::Live live_;
    bool polled_ = false;
    Waker waker_;
  };
  int live = 0;
  ManualScheduler scheduler;
  {
    auto handle = task::launch(scheduler, KeepsItsWaker(testing::Live(live)));
    scheduler.run();
    handle.abort();
    scheduler.run();
  }
  EXPECT_EQ(live, 0);
}

TEST(Header, NameIsThatOfTheSpawn) {
  CountingScheduler scheduler;
  bool done = true;
  Waker waker;
  auto handle =
      task::launch_named(scheduler, "resolver", GivesWakerAway(waker, done));
  EXPECT_EQ(scheduler.queued->name(), "resolver");
  EXPECT_EQ(scheduler.queued->id(), handle.id());
  scheduler.queued->run();
  auto unnamed = task::launch(scheduler, GivesWakerAway(waker, done));
  EXPECT_EQ(scheduler.queued->name(), "");
  scheduler.queued->run();
}

}  // namespace
}  // namespace eddy
