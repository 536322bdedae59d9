// Property: whenever a future is dropped, the record of its operation is
// destroyed once, by the last who may touch it; its result is discarded once if
// the future did not take it; and a future that waits is woken.
//
// The scaffolding adds no order: what the record owns is plain, what the three
// tell each other is relaxed, so ThreadSanitizer sees the edges of
// OperationState alone. Who destroys the record writes to all of it.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

#include "reactor/operation_state.h"
#include "tests/support/stress.h"

namespace eddy::reactor {
namespace {

using testing::Random;

constexpr auto kRelaxed = std::memory_order_relaxed;

struct Round {
  OperationState state;
  // The record's, plain.
  int waker = 0;     // the slot
  int prepared = 0;  // before the start
  int result = 0;
  int discarded = 0;
  int destroyed = 0;

  std::atomic<bool> submitted{false}, started{false}, cancelled{false};
  std::atomic<int> woken{0};
  std::atomic<bool> carrier_is_through{false}, future_is_through{false};
  bool was_taken = false;
  int waited_for = 0;  // the waker that had to be woken

  void destroy() {
    waker = prepared = result = -1;
    ++destroyed;
  }
};

// So that any of the three may come first.
void linger(Random& random) {
  for (int i = static_cast<int>(random() % 30); i > 0; --i) {
    std::this_thread::yield();
  }
}

// Operation::finish(). A discard() may take its time.
void finish(Round& round, Random& random) {
  const OperationState::Ending ending = round.state.begin_end();
  EXPECT_EQ(round.prepared, 7);
  int waker = 0;
  if (ending.has_waker) waker = std::exchange(round.waker, 0);
  EXPECT_TRUE(!ending.has_waker || waker > 0);
  round.result = 42;
  if (ending.is_dropped) ++round.discarded;
  if (random() % 2 == 0) linger(random);
  const OperationState::End end = round.state.end();
  if (!end.is_dropped) {
    if (ending.has_waker) round.woken.store(waker, kRelaxed);
    return;
  }
  if (!ending.is_dropped) ++round.discarded;
  if (end.must_destroy) round.destroy();
}

// One thread hands the record to the kernel, another one gets it back.
void submit(Round& round, Random& random) {
  while (!round.submitted.load(kRelaxed)) std::this_thread::yield();
  linger(random);
  round.prepared = 7;
  if (!round.state.start()) {
    finish(round, random);
    round.carrier_is_through.store(true, kRelaxed);
    return;
  }
  // Sometimes the kernel does not take it.
  if (random() % 4 == 0 && round.state.unstart() && !round.state.start()) {
    finish(round, random);
    round.carrier_is_through.store(true, kRelaxed);
    return;
  }
  round.started.store(true, kRelaxed);
}

void reap(Round& round, int, Random& random) {
  while (!round.started.load(kRelaxed)) {
    if (round.carrier_is_through.load(kRelaxed)) return;
    std::this_thread::yield();
  }
  linger(random);
  finish(round, random);
  round.carrier_is_through.store(true, kRelaxed);
}

void cancel(Round& round, Random& random) {
  while (!round.cancelled.load(kRelaxed)) {
    if (round.future_is_through.load(kRelaxed) &&
        !round.cancelled.load(kRelaxed)) {
      return;
    }
    std::this_thread::yield();
  }
  linger(random);
  if (round.state.end_cancel()) round.destroy();
}

void wait_for_the_start(const Round& round) {
  while (!round.started.load(kRelaxed) &&
         !round.carrier_is_through.load(kRelaxed)) {
    std::this_thread::yield();
  }
}

// SubmissionBase: polls some times, waits for the wake, or drops.
void await(Round& round, int, Random& random) {
  round.submitted.store(true, kRelaxed);
  const int patience = static_cast<int>(random() % 8);
  int polls = 0;
  for (;;) {
    if (!round.state.is_done() && round.state.reclaim()) {
      round.waker = ++polls;
      if (round.state.offer_waker()) {
        if (polls <= patience) {
          if (random() % 2 == 0) linger(random);
          continue;
        }
        if (random() % 2 == 0) {  // drop it, before the start or after it
          if (random() % 2 == 0) wait_for_the_start(round);
          break;
        }
        // Wait for the wake, which comes with the end.
        while (round.woken.load(kRelaxed) != polls &&
               !round.carrier_is_through.load(kRelaxed)) {
          std::this_thread::yield();
        }
        round.waited_for = polls;
        continue;
      }
    }
    if (!round.state.is_done()) {
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ(round.result, 42);
    if (random() % 2 == 0) break;  // ready, and dropped
    round.was_taken = true;
    round.destroy();
    round.future_is_through.store(true, kRelaxed);
    return;
  }
  if (round.state.reclaim()) round.waker = 0;
  const auto if_started = random() % 2 == 0
                              ? OperationState::IfStarted::kCancel
                              : OperationState::IfStarted::kLetRun;
  switch (round.state.drop(if_started)) {
    case OperationState::Drop::kNothing:
      break;
    case OperationState::Drop::kCancel:
      round.cancelled.store(true, kRelaxed);
      break;
    case OperationState::Drop::kDestroy:
      ++round.discarded;
      round.destroy();
      break;
  }
  round.future_is_through.store(true, kRelaxed);
}

TEST(OperationState, TheLastOneDestroysTheRecord) {
  testing::Stress<Round> stress(/*rounds=*/8'000);
  stress.threads(1, [](Round& round, int, Random& random) {
    submit(round, random);
    cancel(round, random);
  });
  stress.threads(1, reap);
  stress.threads(1, await);
  stress.run([](Round& round) {
    EXPECT_EQ(round.destroyed, 1);
    EXPECT_EQ(round.discarded, round.was_taken ? 0 : 1);
    if (round.waited_for > 0) {
      EXPECT_EQ(round.woken, round.waited_for);
    }
  });
}

}  // namespace
}  // namespace eddy::reactor
