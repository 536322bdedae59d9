// Property: a wake() ends a wait, however they race, and the holder of the role
// then sees what the waker wrote before. So in each round the holder sees all
// letters, and never waits for ever.
//
// The eventfd and the letters are relaxed counters: ThreadSanitizer sees the
// order that WakeState gives to `plain`, and no other.
//
// Planted faults, each of which fails this test:
//   wake() returns where a load finds kWoken: TSan reports a race on `plain`
//   wake() with relaxed order: the same
//   begin_wait() stores kWaiting whatever it finds: "a wake was lost"
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "reactor/wake_state.h"
#include "tests/support/stress.h"

namespace eddy::reactor {
namespace {

using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kWakers = 2;
constexpr int kWakes = 3;

struct Round {
  WakeState state;
  std::atomic<int> eventfd{0};  // how often it was written
  std::array<std::atomic<int>, kWakers> letters = {};
  std::array<std::atomic<int>, kWakers> wakes = {};
  std::array<int, kWakers> plain = {};
  int seen = 0;
};

void send_letters(Round& round, int me, Random& random) {
  for (int i = 1; i <= kWakes; ++i) {
    if (i == kWakes) round.plain[me] = i;
    round.letters[me].store(i, kRelaxed);
    if (round.state.wake() == WakeState::Duty::kWrite) {
      round.eventfd.fetch_add(1, kRelaxed);
    }
    round.wakes[me].store(i, kRelaxed);
    if (random() % 4 == 0) std::this_thread::yield();
  }
}

int sum(const std::array<std::atomic<int>, kWakers>& counts) {
  int sum = 0;
  for (const std::atomic<int>& count : counts) sum += count.load(kRelaxed);
  return sum;
}

bool wait_for_interrupt(const Round& round, int before) {
  for (int turn = 0; turn < 2'000'000; ++turn) {
    if (round.eventfd.load(kRelaxed) != before) return true;
    std::this_thread::yield();
  }
  return false;
}

// Looks for letters and then waits, as a scheduler does: only a wake makes it
// look again.
void poll_until_all_seen(Round& round, int, Random& random) {
  int interrupts = 0;
  while (sum(round.letters) < kWakers * kWakes) {
    // The window of a lost wake is here.
    if (random() % 2 == 0) std::this_thread::yield();
    if (!round.state.begin_wait()) continue;
    const bool interrupted = wait_for_interrupt(round, interrupts);
    interrupts = round.eventfd.load(kRelaxed);
    round.state.end_wait();
    ASSERT_TRUE(interrupted) << "a wake was lost";
  }
  // The last letters may be here before their wakes.
  while (sum(round.wakes) < kWakers * kWakes) std::this_thread::yield();
  round.state.end_wait();
  for (int number : round.plain) round.seen += number;
}

TEST(WakeState, NoWakeIsLost) {
  Stress<Round> stress(/*rounds=*/20'000);
  stress.threads(kWakers, send_letters);
  stress.threads(1, poll_until_all_seen);
  stress.run([](Round& round) { EXPECT_EQ(round.seen, kWakers * kWakes); });
}

}  // namespace
}  // namespace eddy::reactor
