// H1: a task that was woken is polled within a number of turns that depends on
// how many tasks there are, whatever the others do. Turns are counted, not
// time: with one worker, the polls between wake and poll. With more, the
// system's scheduler has a say in who does how many turns, and the test is that
// the victim is polled at all.
//
// The bound, with T tasks alive and P threads that push to the injection queue:
// the victim is injected behind at most T tasks, and behind 256 of each
// producer, for which the queue's rotation may take a batch first; each
// injection_interval (61) turns one of them is taken. Producers are the foreign
// threads, and the worker, which pushes what its own queue has no room for.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/builder.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

// A task that waits for a bell, and says at which turn it was polled.
class Bell {
 public:
  class Wait {
   public:
    using Output = void;
    explicit Wait(Bell& bell) : bell_(bell) {}
    Poll<void> poll(Context& cx) {
      Waker waker = cx.waker();
      base::MutexLock lock(&bell_.mu_);
      if (bell_.rung_) {
        bell_.rung_ = false;
        return kReady;
      }
      std::swap(bell_.waker_, waker);
      return kPending;
    }

   private:
    Bell& bell_;
  };

  Wait wait() { return Wait(*this); }

  bool has_waiter() {
    base::MutexLock lock(&mu_);
    return static_cast<bool>(waker_);
  }
  void ring() {
    Waker waker;
    {
      base::MutexLock lock(&mu_);
      rung_ = true;
      std::swap(waker, waker_);
    }
    std::move(waker).wake();
  }

 private:
  base::Mutex mu_;
  bool rung_ ABSL_GUARDED_BY(mu_) = false;
  Waker waker_ ABSL_GUARDED_BY(mu_);
};

class Fairness : public testing::FlavorTest {
 protected:
  static constexpr int kRings = 20;
  static constexpr uint64_t kInterval = 61, kQuota = 256;

  uint64_t turns() { return runtime().metrics().scheduler.polls; }

  // Lets `load` run in the background, rings for a victim from a thread of its
  // own, and counts. `at_most`: how many tasks there may be, where they come and
  // go between the count of them and the push.
  void expect_bounded(std::function<void(const Handle&)> load,
                      uint64_t producers = 2, uint64_t at_most = 0) {
    Bell bell;
    std::atomic<uint64_t> polled_at{0};
    std::atomic<int> rings_seen{0};
    std::atomic<bool> over{false};
    runtime()
        .spawn([&]() -> Task<> {
          for (int i = 1; i <= kRings; ++i) {
            co_await bell.wait();
            polled_at.store(turns());
            rings_seen.store(i);
          }
        })
        .detach();
    load(runtime().handle());
    uint64_t longest = 0, bound = 0;
    std::thread ringer([&] {
      for (int i = 1; i <= kRings; ++i) {
        EXPECT_TRUE(testing::eventually([&] { return bell.has_waiter(); }));
        const uint64_t tasks = std::max<uint64_t>(
            runtime().metrics().scheduler.live_tasks, at_most);
        bell.ring();
        const uint64_t rung_at = turns();  // after the push, or later still
        EXPECT_TRUE(testing::eventually([&] { return rings_seen.load() == i; }))
            << "starved";
        const uint64_t polled = polled_at.load();
        if (threads() <= 1 && polled > rung_at) {
          bound = kInterval * (tasks + producers * kQuota);
          longest = std::max(longest, polled - rung_at);
          EXPECT_LE(polled - rung_at, bound);
        }
      }
      over.store(true);
    });
    runtime().block_on([&]() -> Task<> {
      while (!over.load()) co_await yield_now();
    });
    ringer.join();
    if (GetParam() <= 1) {
      std::printf("waited %llu turns at most; bound %llu\n",
                  static_cast<unsigned long long>(longest),
                  static_cast<unsigned long long>(bound));
    }
    stop(runtime());
  }
};
EDDY_FOR_EACH_FLAVOR(Fairness);

Task<> hog() {
  for (;;) co_await yield_now();
}

TEST_P(Fairness, BesideAHog) {
  expect_bounded([](const Handle& handle) { handle.spawn(hog()).detach(); });
}

TEST_P(Fairness, BesideManyHogs) {
  expect_bounded([](const Handle& handle) {
    for (int i = 0; i < 300; ++i) handle.spawn(hog()).detach();
  });
}

// Two tasks that wake each other keep the next-task slot busy.
Task<> ping(Bell& mine, Bell& other) {
  for (;;) {
    co_await mine.wait();
    other.ring();
  }
}

TEST_P(Fairness, BesideAPingPongPair) {
  Bell bells[2];
  expect_bounded([&](const Handle& handle) {
    handle.spawn(ping(bells[0], bells[1])).detach();
    handle.spawn(ping(bells[1], bells[0])).detach();
    bells[0].ring();
  });
}

TEST_P(Fairness, BesideAPingPongPairAndHogs) {
  Bell bells[2];
  expect_bounded([&](const Handle& handle) {
    handle.spawn(ping(bells[0], bells[1])).detach();
    handle.spawn(ping(bells[1], bells[0])).detach();
    bells[0].ring();
    for (int i = 0; i < 50; ++i) handle.spawn(hog()).detach();
  });
}

// The pair alone must not starve a task of the same worker's queue either.
TEST_P(Fairness, APairDoesNotStarveAHog) {
  Bell bells[2];
  std::atomic<int> turns_of_hog{0};
  runtime().spawn(ping(bells[0], bells[1])).detach();
  runtime().spawn(ping(bells[1], bells[0])).detach();
  JoinHandle<void> hog = runtime().spawn([&]() -> Task<> {
    bells[0].ring();
    while (turns_of_hog.fetch_add(1) < 1000) co_await yield_now();
  });
  runtime().block_on(std::move(hog)).value();
  stop(runtime());  // before the bells
}

Task<> sleep_again_and_again() {
  for (;;) co_await time::sleep(1ms);
}

TEST_P(Fairness, BesideAThousandSleepers) {
  expect_bounded([](const Handle& handle) {
    for (int i = 0; i < 1000; ++i) {
      handle.spawn(sleep_again_and_again()).detach();
    }
  });
}

// Always ready, so only the budget ends its turn.
struct AlwaysReady {
  using Output = void;
  AlwaysReady() {}
  Poll<void> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    cx.spend();
    return kReady;
  }
};

Task<> select_for_ever() {
  for (;;) (void)co_await select(AlwaysReady(), AlwaysReady());
}

TEST_P(Fairness, BesideAnAlwaysReadySelect) {
  expect_bounded(
      [](const Handle& handle) { handle.spawn(select_for_ever()).detach(); });
}

TEST_P(Fairness, BesideAnAlwaysReadyFutureOfBlockOn) {
  std::atomic<int> turns_of_task{0};
  JoinHandle<void> task = runtime().spawn([&]() -> Task<> {
    while (turns_of_task.fetch_add(1) < 1000) co_await yield_now();
  });
  runtime().block_on([&]() -> Task<> {
    while (!task.is_finished()) {
      (void)co_await select(AlwaysReady(), AlwaysReady());
    }
  });
}

TEST_P(Fairness, BesideAFloodOfInjectedTasks) {
  std::atomic<bool> flooding{true};
  std::atomic<int> in_flight{0};
  std::vector<std::thread> floods;
  expect_bounded(
      [&](const Handle& handle) {
        handle.spawn(hog()).detach();
        for (int t = 0; t < 2; ++t) {
          floods.emplace_back([&, handle] {
            while (flooding.load()) {
              if (in_flight.load() > 200) {
                std::this_thread::yield();
                continue;
              }
              in_flight.fetch_add(1);
              JoinHandle<void> task = handle.spawn([&]() -> Task<> {
                in_flight.fetch_sub(1);
                co_return;
              });
              if (task.is_finished()) flooding.store(false);
            }
          });
        }
      },
      // Victim and hog, and what the floods have in flight: each may add one to
      // 201, and count down before the task has ended.
      /*producers=*/4, /*at_most=*/2 + 202 + 2);
  flooding.store(false);
  for (std::thread& flood : floods) flood.join();
}

// What other threads spawn is taken in batches: beside a task that yields, one of
// a thousand does not wait for as many intervals as there are others before it.
TEST_P(Fairness, ABacklogFromOutsideIsTakenInBatches) {
  if (threads() > 1) GTEST_SKIP() << "others take of it";
  constexpr int kTasks = 1000;
  int ran = 0, yields = 0;  // of one thread
  runtime()
      .block_on(runtime().spawn([&]() -> Task<> {
        std::thread([&] {
          for (int i = 0; i < kTasks; ++i) {
            runtime()
                .spawn([&]() -> Task<> {
                  ++ran;
                  co_return;
                })
                .detach();
          }
        }).join();
        while (ran < kTasks) {
          co_await yield_now();
          ++yields;
        }
      }))
      .value();
  EXPECT_LE(yields, kTasks / 10);
}

// Two tasks that only yield must not share one worker while another sleeps.
TEST_P(Fairness, IdleWorkersHelpThoseThatYield) {
  if (workers() < 2) GTEST_SKIP() << "there is no other worker";
  std::atomic<int> running{0};
  std::atomic<bool> met{false};
  const auto busy = [&]() -> Task<> {
    while (!met.load()) {
      // Both inside of a poll at once: on two workers.
      if (running.fetch_add(1) == 1) met.store(true);
      for (int i = 0; i < 1000 && !met.load(); ++i) std::this_thread::yield();
      running.fetch_sub(1);
      co_await yield_now();
    }
  };
  runtime()
      .block_on(runtime().spawn([&]() -> Task<> {
        JoinHandle<void> other = spawn(busy);  // to the slot, which nobody sees
        co_await busy();
        (co_await other).value();
      }))
      .value();
  EXPECT_TRUE(met.load());
}

}  // namespace
}  // namespace eddy
