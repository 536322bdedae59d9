// E2. Property: no wake is lost: when all workers sleep, and nobody pushes any
// more, no work is left.
//
// Work is a number for each pusher, stored and never read-modified-written,
// since that would be the fence under test. A round ends when all workers are
// asleep for good: announced, past their last look, and without a token.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   unpark_self() of a worker that was chosen says that it was not
// That the heavy fence is needed, asymmetric_fence_stress_test shows; that
// end_watch() has to look at the list, sleep_model_test does.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/scheduler/idle.h"
#include "runtime/scheduler/parker.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;

constexpr int kPushers = 2, kWorkers = 3;

struct Round {
  Idle idle{kWorkers};
  Parker parkers[kWorkers];
  std::array<std::atomic<int>, kPushers> pushed = {};
  std::array<std::atomic<int>, kPushers> taken = {};
  std::atomic<int> pushers_left{kPushers};
  std::array<std::atomic<bool>, kWorkers> asleep = {};
  std::atomic<bool> stopping{false};
  int left = -1;  // work that nobody had taken when all slept

  bool has_work() const {
    for (int p = 0; p < kPushers; ++p) {
      if (pushed[p].load(kRelaxed) != taken[p].load(kRelaxed)) return true;
    }
    return false;
  }
  bool take() {
    bool found = false;
    for (int p = 0; p < kPushers; ++p) {
      const int latest = pushed[p].load(kRelaxed);
      if (taken[p].load(kRelaxed) == latest) continue;
      taken[p].store(latest, kRelaxed);
      found = true;
    }
    return found;
  }
  void notify() {
    if (std::optional<uint32_t> worker = idle.notify_one()) {
      parkers[*worker].unpark();
    }
  }
};

void push(Round& round, int me, Random& random) {
  const int count = 1 + static_cast<int>(random.below(8));
  for (int i = 1; i <= count; ++i) {
    for (uint32_t spin = random.below(200); spin > 0; --spin) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    round.pushed[me].store(i, kRelaxed);
    round.notify();
  }
  round.pushers_left.fetch_sub(1, kRelease);
}

// As Worker::run() and park() do it.
void work(Round& round, int me, Random&) {
  bool searching = false;
  while (!round.stopping.load(kAcquire)) {
    bool found = round.take();
    if (!found && !searching) searching = round.idle.try_search();
    if (!found && searching) found = round.take();
    if (found) {
      if (searching) {
        searching = false;
        if (round.idle.stop_searching()) round.notify();
      }
      continue;
    }
    if (searching) (void)round.idle.stop_searching();
    searching = false;
    round.idle.count_as_parked(me);
    base::heavy_fence();
    if (round.has_work() && round.idle.unpark_self(me)) continue;
    round.asleep[me].store(true, kRelease);
    round.parkers[me].park();
    round.asleep[me].store(false, kRelease);
    searching = !round.idle.unpark_self(me);
  }
}

// Sees who sleeps for good; then ends the round.
void watch(Round& round, int, Random&) {
  const auto all_sleep = [&] {
    const Idle::Snapshot before = round.idle.snapshot();
    if (!before.all_parked) return false;
    for (const auto& asleep : round.asleep) {
      if (!asleep.load(kAcquire)) return false;
    }
    // One that was chosen, or woke up and announced itself anew since.
    return round.idle.snapshot().epoch == before.epoch;
  };
  while (round.pushers_left.load(kAcquire) > 0 || !all_sleep()) {
    std::this_thread::yield();
  }
  round.left = round.has_work() ? 1 : 0;
  round.stopping.store(true, kRelease);
  for (Parker& parker : round.parkers) parker.unpark();
}

TEST(Idle, NoWakeIsLost) {
  base::prepare_fences();  // light ones are light from here on
  testing::Stress<Round> stress(/*rounds=*/6'000);
  stress.threads(kPushers, push);
  stress.threads(kWorkers, work);
  stress.threads(1, watch);
  stress.run([](Round& round) { EXPECT_EQ(round.left, 0); });
}

// Property: of a push and a worker that goes to sleep at the same time, one
// sees the other. Two threads alone, which start together, many times.
struct Meeting {
  Idle idle{1};
  std::atomic<int> pushed{0};
  bool notified = false;
  bool seen = false;
};

void spin(uint32_t turns) {
  for (; turns > 0; --turns)
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

void push_once(Meeting& round, int, Random& random) {
  spin(random.below(100));
  // Near: so that the load in notify_one() is quicker than this store.
  (void)round.idle.snapshot();
  round.pushed.store(1, kRelaxed);
  round.notified = round.idle.notify_one().has_value();
}

void park_once(Meeting& round, int, Random& random) {
  // Shared, so that the other's store takes its time.
  for (uint32_t i = random.below(100); i > 0; --i) {
    (void)round.pushed.load(kRelaxed);
  }
  round.idle.count_as_parked(0);
  base::heavy_fence();
  round.seen = round.pushed.load(kRelaxed) == 1;
}

TEST(Idle, OneOfTheTwoSeesTheOther) {
  base::prepare_fences();  // light ones are light from here on
  testing::Stress<Meeting> stress(/*rounds=*/60'000);
  stress.threads(1, push_once);
  stress.threads(1, park_once);
  stress.run([](Meeting& round) { EXPECT_TRUE(round.notified || round.seen); });
}

// Property: when nobody sleeps any more, and who woke up last has looked, the
// holders watch; and each time that they were to begin with it they were told.
struct Watch {
  Idle idle{1};
  bool is_ended = false;
  bool is_told = false;
};

void wake_up(Watch& round, int, Random& random) {
  round.idle.count_as_parked(0);
  spin(random.below(100));
  (void)round.idle.notify_one();
  (void)round.idle.unpark_self(0);
  round.is_told = round.idle.begin_watch();
}

void end_watch(Watch& round, int, Random& random) {
  spin(random.below(200));
  round.is_ended = round.idle.end_watch();
}

TEST(Idle, HoldersWatchWhenNobodySleeps) {
  testing::Stress<Watch> stress(/*rounds=*/60'000);
  stress.threads(1, wake_up);
  stress.threads(1, end_watch);
  stress.run([](Watch& round) {
    EXPECT_TRUE(round.idle.is_watched());
    EXPECT_EQ(round.is_told, round.is_ended);
  });
}

}  // namespace
}  // namespace eddy::scheduler
