// All waits of sync/ that are served by another thread, while they begin, wait,
// and are dropped.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"
#include "tests/sync/any_kind.h"

namespace eddy::sync {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;

// Of the test that runs, which sets it before its threads begin.
const KindName* kind_of_test = nullptr;

struct Round {
  QuietWaker waker, late_waker;  // outlive what may keep their wakers
  std::unique_ptr<AnyKind> of = kind_of_test->make();
  // Made before it is served: some have no news of what came earlier.
  std::optional<AnyKind::Wait> wait{of->wait()};
  int news = 0;  // plain: written before it serves
  bool has_ended = false;
  std::atomic<int> pause{0};

  Round() { waker.letter = late_waker.letter = 1; }

  // Also long enough for the other, where there are more threads than cores.
  void pause_a_little(Random& random) {
    if (random.below(4) == 0) std::this_thread::yield();
    for (int n = random.below(120); n > 0; --n) {
      pause.load(std::memory_order_relaxed);
    }
  }
};

bool poll(AnyKind::Wait& wait, QuietWaker& target) {
  const Waker waker = target.waker();
  Context cx(waker);
  return wait.poll(cx).is_ready();
}

// Waits for the wake, polls for nothing, or gives up: before the first poll,
// after some, or when it may have been woken already.
void wait_somehow(Round& round, int, Random& random) {
  round.pause_a_little(random);
  int patience = random.below(3) == 0 ? int(random.below(4)) : 1'000'000;
  while (patience-- > 0) {
    const int before = round.waker.wakes();
    if (poll(*round.wait, round.waker)) {
      round.has_ended = true;
      EXPECT_EQ(round.news, 1);
      break;
    }
    if (random.below(3) == 0) continue;
    if (patience < 4) {
      round.pause_a_little(random);
      continue;
    }
    while (round.waker.wakes() == before) std::this_thread::yield();
  }
  round.wait.reset();
}

void serve_once(Round& round, int, Random& random) {
  round.pause_a_little(random);
  round.news = 1;
  round.of->serve();
}

class EveryWaitStress : public ::testing::TestWithParam<KindName> {};
INSTANTIATE_TEST_SUITE_P(Every, EveryWaitStress,
                         ::testing::ValuesIn(all_kinds()), name_of_kind);

// Property (E2): who waits is woken, and sees what was written before; what
// came for a wait that was dropped ends the next one; and no waker is kept.
TEST_P(EveryWaitStress, WhatComesIsNotLost) {
  kind_of_test = &GetParam();
  Stress<Round> stress(/*rounds=*/600);
  stress.threads(1, wait_somehow);
  stress.threads(1, serve_once);
  stress.run([](Round& round) {
    if (!round.of->leaves_waker) {
      EXPECT_EQ(round.waker.kept_wakers(), 0);
    }
    if (round.has_ended || !round.of->hands_on) return;
    AnyKind::Wait next = round.of->wait();
    EXPECT_TRUE(poll(next, round.late_waker));
    EXPECT_EQ(round.waker.kept_wakers(), 0);
    EXPECT_EQ(round.late_waker.kept_wakers(), 0);
  });
}

}  // namespace
}  // namespace eddy::sync
