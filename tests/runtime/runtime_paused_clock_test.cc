// G2: a paused clock, on every flavor: it moves only when nothing can run, and
// then to the next deadline at once.

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/delay_queue.h"
#include "runtime/time/interval.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "sync/mpsc.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using time::Instant;

class PausedClock : public testing::FlavorTest {
 protected:
  Runtime& paused() { return start(builder().start_paused()); }
};
EDDY_FOR_EACH_FLAVOR(PausedClock);

Task<Instant> sleeper(std::chrono::nanoseconds duration) {
  co_await time::sleep(duration);
  co_return time::now();
}

TEST_P(PausedClock, TheFutureOfBlockOnSleeps) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    co_await time::sleep(1000h);
    EXPECT_EQ(time::now() - start, 1000h);
  });
}

TEST_P(PausedClock, ATaskSleeps) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    EXPECT_EQ((co_await spawn(sleeper(10s))).value() - start, 10s);
    EXPECT_EQ(time::now() - start, 10s);
  });
}

TEST_P(PausedClock, ManySleepersWakeInOrderAndInTime) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    std::vector<JoinHandle<Instant>> sleepers;
    for (int i = 0; i < 500; ++i) {
      sleepers.push_back(spawn(sleeper((1 + i * 7919 % 500) * 1s)));
    }
    for (int i = 0; i < 500; ++i) {
      EXPECT_EQ((co_await sleepers[i]).value() - start,
                (1 + i * 7919 % 500) * 1s);
    }
  });
}

// Work between two deadlines takes no time, whoever does it.
TEST_P(PausedClock, StandsStillWhileTasksRun) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    std::vector<JoinHandle<void>> workers;
    for (int i = 0; i < 16; ++i) {
      workers.push_back(spawn([start]() -> Task<> {
        for (int round = 1; round <= 20; ++round) {
          co_await time::sleep(1s);
          EXPECT_EQ(time::now() - start, round * 1s);
          for (int n = 0; n < 50; ++n) co_await yield_now();
          EXPECT_EQ(time::now() - start, round * 1s);
        }
      }));
    }
    for (auto& worker : workers) (co_await worker).value();
  });
}

TEST_P(PausedClock, StandsStillWhileAJobRuns) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    for (int i = 0; i < 50; ++i) {
      JoinHandle<void> job = spawn_blocking([i] {
        for (int n = 0; n < i * 200; ++n) {
          std::atomic_signal_fence(std::memory_order_seq_cst);
        }
      });
      absl::StatusOr<JoinResult<void>> result =
          co_await time::timeout(1s, std::move(job));
      EXPECT_TRUE(result.ok()) << "the clock did not wait for job " << i;
      EXPECT_EQ(time::now(), start);
    }
  });
}

// Nobody is woken when a detached job ends; the clock must go on all the same.
TEST_P(PausedClock, GoesOnAfterADetachedJob) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      auto started = std::make_shared<std::atomic<bool>>(false);
      spawn_blocking([started] {
        started->store(true);
        std::this_thread::sleep_for(1ms);
      }).detach();
      while (!started->load()) co_await yield_now();
      const Instant start = time::now();
      co_await time::sleep(1s);
      EXPECT_EQ(time::now() - start, 1s);
    }
  });
}

TEST_P(PausedClock, GoesOnWhenAnotherBlockOnEnds) {
  Runtime& runtime = paused();
  std::atomic<bool> other_runs{false};
  std::thread other([&] {
    runtime.block_on([&]() -> Task<> {
      other_runs.store(true);
      std::this_thread::sleep_for(20ms);  // long, as the future of a block_on
      co_return;
    });
  });
  EXPECT_TRUE(testing::eventually([&] { return other_runs.load(); }));
  const Instant before = runtime.block_on(sleeper(0s));
  EXPECT_EQ(runtime.block_on(sleeper(1s)) - before, 1s);
  other.join();
}

TEST_P(PausedClock, TimeoutsAreExact) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    EXPECT_FALSE((co_await time::timeout(3s, time::sleep(5s))).ok());
    EXPECT_EQ(time::now() - start, 3s);
    EXPECT_TRUE((co_await time::timeout(5s, time::sleep(3s))).ok());
    EXPECT_EQ(time::now() - start, 6s);
  });
}

TEST_P(PausedClock, TimersOfAForeignThread) {
  Runtime& runtime = paused();
  const Instant start = [&] {
    auto inside = runtime.enter();
    return time::now();
  }();
  std::vector<JoinHandle<Instant>> sleepers;
  std::thread foreign([&] {
    auto inside = runtime.enter();
    for (int i = 0; i < 20; ++i) sleepers.push_back(spawn(sleeper(1h)));
  });
  foreign.join();
  for (auto& sleeper : sleepers) {
    EXPECT_GE(runtime.block_on(std::move(sleeper)).value() - start, 1h);
  }
}

Task<> tick(Instant start) {
  auto every = time::interval(10ms);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(co_await every.tick(), start + i * 10ms);
    EXPECT_EQ(time::now(), start + i * 10ms);
  }
}
Task<> expire(Instant start) {
  time::DelayQueue<int> queue;
  for (int i = 0; i < 100; ++i) queue.insert(i, (1 + i * 37 % 100) * 7ms);
  for (int i = 1; auto expired = co_await queue.next(); ++i) {
    EXPECT_EQ(time::now(), start + i * 7ms);
    EXPECT_EQ(expired->deadline, time::now());
  }
}
Task<> send_in_time(Instant start) {
  auto ends = sync::mpsc::create<int>(1);
  EXPECT_TRUE(ends.sender.try_send(0));
  for (int i = 1; i <= 20; ++i) {
    int value = i;
    EXPECT_FALSE((co_await ends.sender.send_timeout(value, 13ms)).ok());
    EXPECT_EQ(time::now(), start + i * 13ms);
  }
}

TEST_P(PausedClock, IntervalsQueuesAndTimeLimitsAreExact) {
  Runtime& runtime = paused();
  runtime.block_on([]() -> Task<> {
    const Instant start = time::now();
    std::vector<JoinHandle<void>> tasks;
    for (int i = 0; i < 4; ++i) {
      tasks.push_back(spawn(tick(start)));
      tasks.push_back(spawn(expire(start)));
      tasks.push_back(spawn(send_in_time(start)));
    }
    for (JoinHandle<void>& task : tasks) (co_await task).value();
    EXPECT_EQ(time::now(), start + 990ms);
  });
}

TEST_P(PausedClock, TheSameStoryTwice) {
  const auto story = [&] {
    Runtime& runtime = paused();
    std::vector<int64_t> times =
        runtime.block_on([]() -> Task<std::vector<int64_t>> {
          const Instant start = time::now();
          std::vector<JoinHandle<Instant>> tasks;
          for (int i = 0; i < 40; ++i) {
            tasks.push_back(spawn([i]() -> Task<Instant> {
              for (int n = 0; n < i % 7; ++n) {
                co_await time::sleep((1 + n) * 10ms);
                if (n % 2 == 0) {
                  (co_await spawn_blocking([] {})).value();
                }
                co_await yield_now();
              }
              co_return time::now();
            }));
          }
          std::vector<int64_t> times;
          for (auto& task : tasks) {
            times.push_back(((co_await task).value() - start).count());
          }
          co_return times;
        });
    stop(runtime);
    return times;
  };
  EXPECT_EQ(story(), story());
}

}  // namespace
}  // namespace eddy
