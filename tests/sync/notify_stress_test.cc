// Threads that notify, wait, and stop waiting at any time.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "sync/notify.h"
#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"

namespace eddy::sync {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;

bool poll(Notify::Notified& wait, QuietWaker& target) {
  const Waker waker = target.waker();
  Context cx(waker);
  return wait.poll(cx).is_ready();
}

// Property (E2): one permit that goes round is neither lost nor doubled,
// whoever waits is woken for it, none is lost when a wait is dropped, and who
// gets it sees what the one before wrote.
//
// Planted faults are in tests/faults.txt, under "notify".
constexpr int kThreads = 3, kTurns = 12;

struct Round {
  Notify notify;
  QuietWaker wakers[kThreads][kTurns];
  std::atomic<int> turns_taken{0};
  int turns = 0;  // plain: written by who has the permit

  Round() { notify.notify_one(); }
};

// False: it gave up.
bool take_permit(Round& round, QuietWaker& target, Random& random) {
  target.letter = 1;
  Notify::Notified wait = round.notify.notified();
  if (random.below(4) == 0) {
    wait.enable();
    if (random.below(4) == 0) return false;
  }
  if (poll(wait, target)) return true;
  if (random.below(3) == 0) {  // gives up, now or a little later
    if (random.below(16) == 0) std::this_thread::yield();
    for (int n = random.below(80); n > 0; --n) round.turns_taken.load(kRelaxed);
    return false;
  }
  const bool impatient = random.below(2) == 0;  // polls for nothing
  while (target.wakes() == 0) {
    if (impatient && poll(wait, target)) return true;
    std::this_thread::yield();
  }
  EXPECT_TRUE(poll(wait, target));
  return true;
}

void take_turns(Round& round, int me, Random& random) {
  for (int turn = 0; turn < kTurns; ++turn) {
    if (!take_permit(round, round.wakers[me][turn], random)) continue;
    // Lets others come, and wait, where there are more threads than cores.
    if (random.below(16) == 0) std::this_thread::yield();
    ++round.turns;
    round.turns_taken.fetch_add(1, kRelaxed);
    random.below(2) == 0 ? round.notify.notify_one()
                         : round.notify.notify_last();
  }
}

TEST(NotifyStress, ThePermitIsNeitherLostNorDoubled) {
  Stress<Round> stress(/*rounds=*/3'000);
  stress.threads(kThreads, take_turns);
  stress.run([](Round& round) {
    EXPECT_EQ(round.turns, round.turns_taken.load(kRelaxed));
    QuietWaker waker;
    waker.letter = 1;
    Notify::Notified first = round.notify.notified();
    EXPECT_TRUE(poll(first, waker));
    Notify::Notified second = round.notify.notified();
    EXPECT_FALSE(poll(second, waker));
    for (auto& of_one : round.wakers) {
      for (QuietWaker& each : of_one) {
        EXPECT_EQ(each.kept_wakers(), 0);
        EXPECT_LE(each.wakes(), 1);
      }
    }
  });
}

// Property (E2): a notify_waiters() ends every wait that was made before it,
// whatever the state of that, and who was waiting sees what was written before;
// a notify_one() that comes after it, also by one who was ended by it while
// others are yet to be served, is not lost among those.
constexpr int kWaiters = 2;

struct BroadcastRound {
  Notify notify;
  QuietWaker wakers[kWaiters];
  std::atomic<int> made{0};
  int news = 0;  // plain: written before the notify_waiters()
  std::atomic<bool> notified_one{false};

  void maybe_notify_one(Random& random) {
    if (random.below(2) == 0) return;
    notified_one.store(true, kRelaxed);
    notify.notify_one();
  }
};

TEST(NotifyStress, NotifyWaitersForgetsNobody) {
  Stress<BroadcastRound> stress(/*rounds=*/8'000);
  stress.threads(kWaiters, [](BroadcastRound& round, int me, Random& random) {
    QuietWaker& target = round.wakers[me];
    target.letter = 1;
    Notify::Notified wait = round.notify.notified();
    round.made.fetch_add(1, kRelaxed);
    // Before, within or after the notify_waiters().
    const int most = random.below(3) == 0 ? 10'000 : 100;
    for (int n = random.below(most); n > 0; --n) round.made.load(kRelaxed);
    const bool gives_up = random.below(4) == 0;
    for (bool is_ready = poll(wait, target); !is_ready;) {
      if (gives_up) return;
      while (target.wakes() == 0) std::this_thread::yield();
      is_ready = poll(wait, target);
      EXPECT_TRUE(is_ready);
    }
    EXPECT_EQ(round.news, 1);
    round.maybe_notify_one(random);
  });
  stress.threads(1, [](BroadcastRound& round, int, Random& random) {
    while (round.made.load(kRelaxed) < kWaiters) std::this_thread::yield();
    if (random.below(4) == 0) std::this_thread::yield();
    for (int n = random.below(100); n > 0; --n) round.made.load(kRelaxed);
    round.news = 1;
    round.notify.notify_waiters();
    round.maybe_notify_one(random);
  });
  stress.run([](BroadcastRound& round) {
    QuietWaker waker;
    waker.letter = 1;
    Notify::Notified wait = round.notify.notified();
    EXPECT_EQ(poll(wait, waker), round.notified_one.load(kRelaxed));
    for (QuietWaker& each : round.wakers) EXPECT_EQ(each.kept_wakers(), 0);
  });
}

}  // namespace
}  // namespace eddy::sync
