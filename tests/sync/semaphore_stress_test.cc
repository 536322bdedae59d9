// Threads that take permits, wait for them, and stop waiting at any time.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/task/future.h"
#include "sync/mutex.h"
#include "sync/semaphore.h"
#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;
using testing::WakeCounter;

constexpr auto kRelaxed = std::memory_order_relaxed;

// Property (E2): there are never more permits out than there are, whoever waits
// is served or told, none is lost when a wait is dropped, and who gets a permit
// sees what the one before wrote.
//
// Planted faults are in tests/faults.txt, under "semaphore".
constexpr int kThreads = 3, kTurns = 12;

struct Round {
  Semaphore semaphore{2};
  QuietWaker wakers[kThreads][kTurns];
  std::atomic<int> holders{0};
  int alone = 0;  // plain: written by whoever holds both permits
};

template <class F>
Poll<OutputOf<F>> poll(F& future, QuietWaker& target) {
  const Waker waker = target.waker();
  Context cx(waker);
  return future.poll(cx);
}

// For a moment, or until others have come, where there are more threads than
// cores.
void linger(std::atomic<int>& word, Random& random, uint32_t most) {
  if (random.below(16) == 0) std::this_thread::yield();
  for (uint32_t n = random.below(most); n > 0; --n) word.load(kRelaxed);
}

// Waits for a wake, or polls for nothing, or gives up, now or a little later.
// The last of `most_wakes` must not be in vain.
template <class F>
std::optional<OutputOf<F>> await_or_give_up(F future, QuietWaker& target,
                                            int most_wakes,
                                            std::atomic<int>& word,
                                            Random& random) {
  target.letter = 1;
  if (auto polled = poll(future, target); polled.is_ready()) {
    return *std::move(polled);
  }
  if (random.below(3) == 0) {
    linger(word, random, 80);
    return std::nullopt;
  }
  const bool impatient = random.below(2) == 0;
  for (int seen = 0;;) {
    if (target.wakes() > seen || impatient) {
      seen = target.wakes();
      auto polled = poll(future, target);
      if (polled.is_ready()) return *std::move(polled);
      EXPECT_LT(seen, most_wakes);
    }
    std::this_thread::yield();
  }
}

template <class R>
void expect_quiet(R& round, int most_wakes) {
  for (auto& of_one : round.wakers) {
    for (QuietWaker& waker : of_one) {
      EXPECT_EQ(waker.kept_wakers(), 0);
      EXPECT_LE(waker.wakes(), most_wakes);
    }
  }
}

void take_turns(Round& round, int me, Random& random) {
  for (int turn = 0; turn < kTurns; ++turn) {
    const uint64_t count = 1 + random.below(2);
    const auto permit = await_or_give_up(
        round.semaphore.acquire_many(count), round.wakers[me][turn],
        /*most_wakes=*/1, round.holders, random);
    if (!permit.has_value()) continue;
    EXPECT_LE(round.holders.fetch_add(count, kRelaxed) + count, 2u);
    if (count == 2) ++round.alone;
    linger(round.holders, random, 20);
    round.holders.fetch_sub(count, kRelaxed);
  }
}

TEST(SemaphoreStress, NoPermitIsLostOrMade) {
  Stress<Round> stress(/*rounds=*/4'000);
  stress.threads(kThreads, take_turns);
  stress.run([](Round& round) {
    EXPECT_EQ(round.semaphore.available(), 2u);
    expect_quiet(round, /*most_wakes=*/1);
  });
}

// Property (E2): a lock belongs to one at a time, who sees what the one before
// wrote; it passes by whoever waits once at most, and is free in the end.
//
// Planted faults are in tests/faults.txt, under "mutex".
constexpr int kWakes = 2;

struct LockRound {
  Mutex<int> mutex{0};
  QuietWaker wakers[kThreads][kTurns];
  std::atomic<int> taken{0}, holders{0};
};

TEST(MutexStress, WhoWaitsIsPassedOnceAtMost) {
  Stress<LockRound> stress(/*rounds=*/2'000);
  stress.threads(kThreads, [](LockRound& round, int me, Random& random) {
    for (int turn = 0; turn < kTurns; ++turn) {
      const auto guard =
          await_or_give_up(round.mutex.lock(), round.wakers[me][turn], kWakes,
                           round.taken, random);
      if (!guard.has_value()) continue;
      EXPECT_EQ(round.holders.fetch_add(1, kRelaxed), 0);
      ++**guard;
      linger(round.taken, random, 400);
      round.taken.fetch_add(1, kRelaxed);
      round.holders.fetch_sub(1, kRelaxed);
    }
  });
  stress.run([](LockRound& round) {
    const auto guard = round.mutex.try_lock();
    ASSERT_TRUE(guard.has_value());
    EXPECT_FALSE(round.mutex.try_lock().has_value());
    EXPECT_EQ(**guard, round.taken.load(kRelaxed));
    expect_quiet(round, kWakes);
  });
}

// Property: a close() ends every wait, before it or after.
struct ClosingRound {
  Semaphore semaphore{1};
  WakeCounter wakers[2];
};

TEST(SemaphoreStress, CloseForgetsNobody) {
  Stress<ClosingRound> stress(/*rounds=*/5'000);
  stress.threads(2, [](ClosingRound& round, int me, Random& random) {
    WakeCounter& waker = round.wakers[me];
    for (bool is_open = true; is_open;) {
      const int before = waker.wakes();
      Semaphore::Acquire acquire = round.semaphore.acquire();
      Poll<std::optional<Semaphore::Permit>> polled =
          acquire.poll(waker.context());
      if (polled.is_ready()) {
        is_open = polled->has_value();
        // Or who closes may have to wait for a CPU.
        if (random.below(8) == 0) std::this_thread::yield();
        continue;
      }
      while (waker.wakes() == before) std::this_thread::yield();
      EXPECT_TRUE(acquire.poll(waker.context()).is_ready());
    }
  });
  stress.threads(1, [](ClosingRound& round, int, Random& random) {
    for (int n = random.below(100); n > 0; --n)
      (void)round.semaphore.available();
    round.semaphore.close();
  });
  stress.run(
      [](ClosingRound& round) { EXPECT_EQ(round.semaphore.available(), 1u); });
}

}  // namespace
}  // namespace eddy::sync
