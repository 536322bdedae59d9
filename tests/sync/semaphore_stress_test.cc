// Threads that take permits, wait for them, and stop waiting at any time.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>

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

using Polled = Poll<std::optional<Semaphore::Permit>>;

Polled poll(Semaphore::Acquire& acquire, QuietWaker& target) {
  const Waker waker = target.waker();
  Context cx(waker);
  return acquire.poll(cx);
}

std::optional<Semaphore::Permit> acquire_or_give_up(Round& round,
                                                    QuietWaker& target,
                                                    uint64_t count,
                                                    Random& random) {
  target.letter = 1;
  Semaphore::Acquire acquire = round.semaphore.acquire_many(count);
  if (Polled polled = poll(acquire, target); polled.is_ready()) {
    return *std::move(polled);
  }
  if (random.below(3) == 0) {  // gives up, now or a little later
    for (int n = random.below(80); n > 0; --n) round.holders.load(kRelaxed);
    return std::nullopt;
  }
  const bool impatient = random.below(2) == 0;  // polls for nothing
  while (target.wakes() == 0) {
    if (impatient) {
      Polled polled = poll(acquire, target);
      if (polled.is_ready()) return *std::move(polled);
    }
    std::this_thread::yield();
  }
  Polled polled = poll(acquire, target);
  EXPECT_TRUE(polled.is_ready());
  return *std::move(polled);
}

void take_turns(Round& round, int me, Random& random) {
  for (int turn = 0; turn < kTurns; ++turn) {
    const uint64_t count = 1 + random.below(2);
    std::optional<Semaphore::Permit> permit =
        acquire_or_give_up(round, round.wakers[me][turn], count, random);
    if (!permit.has_value()) continue;
    EXPECT_LE(round.holders.fetch_add(count, kRelaxed) + count, 2u);
    if (count == 2) ++round.alone;
    round.holders.fetch_sub(count, kRelaxed);
  }
}

TEST(SemaphoreStress, NoPermitIsLostOrMade) {
  Stress<Round> stress(/*rounds=*/4'000);
  stress.threads(kThreads, take_turns);
  stress.run([](Round& round) {
    EXPECT_EQ(round.semaphore.available(), 2u);
    for (auto& of_one : round.wakers) {
      for (QuietWaker& waker : of_one) {
        EXPECT_EQ(waker.kept_wakers(), 0);
        EXPECT_LE(waker.wakes(), 1);
      }
    }
  });
}

// Property: a close() ends every wait, before it or after.
struct ClosingRound {
  Semaphore semaphore{1};
  WakeCounter wakers[2];
};

TEST(SemaphoreStress, CloseForgetsNobody) {
  Stress<ClosingRound> stress(/*rounds=*/10'000);
  stress.threads(2, [](ClosingRound& round, int me, Random&) {
    WakeCounter& waker = round.wakers[me];
    for (bool is_open = true; is_open;) {
      const int before = waker.wakes();
      Semaphore::Acquire acquire = round.semaphore.acquire();
      Poll<std::optional<Semaphore::Permit>> polled =
          acquire.poll(waker.context());
      if (polled.is_ready()) {
        is_open = polled->has_value();
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
