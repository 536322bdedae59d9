#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/context/current.h"
#include "runtime/task/waker.h"
#include "runtime/time/timers.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using base::Random;
using testing::Stress;
using testing::WakeCounter;

constexpr auto kRelaxed = std::memory_order_relaxed;

context::Current on_shard(uint32_t shard) {
  context::Current current;
  current.shard = shard;
  return current;
}

// Property (E2): the reactor never sleeps past a deadline. Whatever the
// interleaving, after a registration the plan of the sleeper is no later than
// the timer, or the alarm was called.
//
// The sleeper announces one sleep while others register timers and reset them.
// The alarm is a relaxed flag, and nothing else is shared, so the pair of
// store-loads [sleep] is alone.
//
// Planted faults, each of which fails this test:
//   prepare_sleep() does not look again after it stored the plan
//   arm() or reset() forgets end_sleep_beyond()
// That the stores are seq_cst can't be shown on x86: the windows are a few
// nanoseconds.
constexpr int kSetters = 2;

struct SleepRound {
  Clock clock;
  std::atomic<bool> alarm{false};
  Timers timers{kSetters, clock, [this] { alarm.store(true, kRelaxed); }};
  std::unique_ptr<WakeCounter> waker = std::make_unique<WakeCounter>();
  std::optional<Instant> until;
  Timer timers_of[kSetters];
  Instant deadlines[kSetters];

  ~SleepRound() {
    for (Timer& timer : timers_of) timers.cancel(timer);
  }
};

void set_a_timer(SleepRound& round, int me, Random& random) {
  const context::Enter enter(on_shard(me));
  const Instant start = round.clock.origin();
  Timer& timer = round.timers_of[me];
  Instant deadline = start + 1h + 1ms * random.below(100);
  (void)round.timers.poll(timer, deadline, round.waker->waker());
  if (random.below(2) == 0) {
    deadline = start + 1h + 1ms * random.below(100);
    round.timers.reset(timer, deadline);
  }
  round.deadlines[me] = deadline;
}

void sleep_once(SleepRound& round, int, Random&) {
  round.until = round.timers.prepare_sleep();
}

TEST(Timers, NoDeadlineIsSleptPast) {
  Stress<SleepRound> stress(/*rounds=*/100'000);
  stress.threads(kSetters, set_a_timer);
  stress.threads(1, sleep_once);
  stress.run([](SleepRound& round) {
    if (round.alarm.load(kRelaxed)) return;
    for (Instant deadline : round.deadlines) {
      ASSERT_TRUE(round.until.has_value()) << "a sleep for ever";
      EXPECT_LE(*round.until, deadline + 1ms);
    }
  });
}

// Property: a timer that is not cancelled wakes its latest waker, once; and one
// that is cancelled, or was seen to have fired, is its owner's alone.
//
// Planted faults, each of which fails this test:
//   fire() stores kFired before it takes the waker, or relaxed: a race (TSan)
//   cancel() does not look again under the lock: a double unlink
//   keep_waker() does not look again under the lock: a wake is lost
constexpr int kTimers = 32;

struct FireRound {
  Clock clock;
  Timers timers{1, clock, [] {}};
  std::optional<Timer> timer[kTimers];
  WakeCounter first_waker;      // of each timer, and replaced
  WakeCounter wakers[kTimers];  // the latest
  bool waits[kTimers] = {};     // for the latest, to the end

  // One timer on each tick.
  FireRound() {
    clock.pause();
    for (int i = 0; i < kTimers; ++i) {
      (void)timers.poll(timer[i].emplace(), deadline(i), first_waker.waker());
    }
  }
  Instant deadline(int i) const { return clock.origin() + 1ms * (i + 1); }
};

// Goes through the timers while they fire one by one.
void wait_or_cancel(FireRound& round, int, Random& random) {
  for (int i = 0; i < kTimers; ++i) {
    std::optional<Timer>& timer = round.timer[i];
    if (random.below(2) == 0) {
      round.waits[i] = !round.timers.poll(*timer, round.deadline(i),
                                          round.wakers[i].waker());
    } else {
      round.timers.cancel(*timer);
    }
    if (!round.waits[i]) timer.reset();
  }
}

void fire_one_by_one(FireRound& round, int, Random&) {
  for (int i = 0; i < kTimers; ++i) round.timers.fire(round.deadline(i));
}

TEST(Timers, FiredOrCancelledButNeverBoth) {
  Stress<FireRound> stress(/*rounds=*/60'000);
  stress.threads(1, wait_or_cancel);
  stress.threads(1, fire_one_by_one);
  stress.run([](FireRound& round) {
    EXPECT_EQ(round.timers.next_deadline(), std::nullopt);
    EXPECT_EQ(round.first_waker.kept_wakers(), 0);
    for (int i = 0; i < kTimers; ++i) {
      EXPECT_EQ(round.wakers[i].kept_wakers(), 0);
      if (round.waits[i]) {
        EXPECT_EQ(round.wakers[i].wakes(), 1);
      } else {
        EXPECT_LE(round.wakers[i].wakes(), 1);
      }
    }
  });
}

}  // namespace
}  // namespace eddy::time
