// Property: a thread that parks until it has seen every letter sees them all:
// no unpark() is lost, and what was written before it is seen.
//
// The letters are plain ints: what orders them is the Parker alone. A token
// that gets lost hangs the test.
//
// Planted faults (tests/faults.txt), each of which fails this test:
//   unpark() relaxed: a race on `text` (ThreadSanitizer)
//   unpark() does not remember: a hang
//   park() overwrites a token: a hang
#include <gtest/gtest.h>

#include <atomic>

#include "runtime/scheduler/parker.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

using testing::Random;
constexpr auto kRelaxed = std::memory_order_relaxed;

// A ping-pong: each side writes a plain int and unparks the other.
struct PingPong {
  Parker parkers[2];
  int text = 0;
};

constexpr int kTurns = 20;

void play(PingPong& round, int me, Random&) {
  for (int i = me; i < kTurns; i += 2) {
    if (i > 0) round.parkers[me].park();
    EXPECT_EQ(round.text, i);
    round.text = i + 1;
    round.parkers[1 - me].unpark();
  }
}

TEST(Parker, PingPongLosesNoTurn) {
  testing::Stress<PingPong> stress(/*rounds=*/4'000);
  stress.threads(2, play);
  stress.run([](PingPong& round) { EXPECT_EQ(round.text, kTurns); });
}

// Several threads unpark one, which sleeps until it has seen the last letter of
// each.
struct Mailbox {
  static constexpr int kSenders = 3;
  Parker parker;
  std::atomic<int> mail[kSenders] = {};
};

constexpr int kLetters = 10;

void send(Mailbox& round, int me, Random& random) {
  for (int i = 1; i <= kLetters; ++i) {
    for (uint32_t spin = random.below(50); spin > 0; --spin) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    round.mail[me].store(i, kRelaxed);
    round.parker.unpark();
  }
}

void receive(Mailbox& round, int, Random&) {
  for (;;) {
    bool complete = true;
    for (auto& mail : round.mail) complete &= mail.load(kRelaxed) == kLetters;
    if (complete) return;
    round.parker.park();
  }
}

TEST(Parker, SleeperSeesEveryLetter) {
  testing::Stress<Mailbox> stress(/*rounds=*/8'000);
  stress.threads(Mailbox::kSenders, send);
  stress.threads(1, receive);
  stress.run([](Mailbox&) {});
}

}  // namespace
}  // namespace eddy::scheduler
