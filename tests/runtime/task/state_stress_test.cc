// The races of runtime/task/state.h. The faults that these tests are there to
// catch, and that tools/plant_faults plants, are listed in tests/faults.txt.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "runtime/task/state.h"
#include "tests/support/stress.h"

namespace eddy::task {
namespace {

using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;

// Property: every wake is followed by a poll that sees it, and no two polls of
// one task overlap.
//
// The scaffolding adds no order of its own: run queue and mail are relaxed and
// `seen` is a plain int, so ThreadSanitizer sees the edges of State alone.
// Rounds are short, for only the last wakes of a round can get lost; a round
// ends when nothing is queued, not when some time is over.
constexpr int kWakers = 2, kWorkers = 2;

struct WakeRound {  // one task, and the run queue that may hold it
  State state;
  std::atomic<bool> queued{true};
  std::atomic<int> wakers_left{kWakers};
  std::atomic<int> mail[kWakers] = {};  // plain stores: an RMW would be a fence
  int seen = 0;                         // letters that the last poll saw

  int count_mail() const {
    return mail[0].load(kRelaxed) + mail[1].load(kRelaxed);
  }

  void submit() { EXPECT_FALSE(queued.exchange(true, kRelaxed)); }

  bool run_one() {
    if (!queued.exchange(false, kRelaxed)) return false;
    EXPECT_EQ(state.start(), AtStart::kPoll);
    seen = count_mail();
    if (state.suspend() == AtSuspend::kSubmit) submit();
    return true;
  }
};

void send_letters(WakeRound& round, int me, Random& random) {
  const int letters = 1 + random.below(15);
  for (int i = 1; i <= letters; ++i) {
    round.mail[me].store(i, kRelaxed);
    if (round.state.wake() == Duty::kSubmit) round.submit();
  }
  round.wakers_left.fetch_sub(1, kRelaxed);
}

void send_letters_by_value(WakeRound& round, int me, Random& random) {
  const int letters = 1 + random.below(15);
  for (int i = 1; i <= letters; ++i) {
    round.mail[me].store(i, kRelaxed);
    round.state.retain();  // the waker that is used up
    if (round.state.wake_consuming() == Duty::kSubmit) {
      round.submit();
    } else {
      EXPECT_FALSE(round.state.release());
    }
  }
  round.wakers_left.fetch_sub(1, kRelaxed);
}

void run_until_quiet(WakeRound& round, int, Random&) {
  while (round.run_one() || round.wakers_left.load(kRelaxed) > 0) {
    std::this_thread::yield();
  }
}

void expect_all_read(WakeRound& round) {
  while (round.run_one()) {
  }
  EXPECT_EQ(round.seen, round.count_mail());
  // The entry's reference went and came with it: list and joiner are left.
  EXPECT_FALSE(round.state.release());
  EXPECT_TRUE(round.state.release());
}

TEST(TaskState, NoWakeIsLost) {
  Stress<WakeRound> stress(/*rounds=*/100'000);
  stress.threads(kWakers, send_letters);
  stress.threads(kWorkers, run_until_quiet);
  stress.run(expect_all_read);
}

TEST(TaskState, NoConsumingWakeIsLost) {
  Stress<WakeRound> stress(/*rounds=*/100'000);
  stress.threads(kWakers, send_letters_by_value);
  stress.threads(kWorkers, run_until_quiet);
  stress.run(expect_all_read);
}

// Property: what a waker wrote before its wake, the poll that follows it sees.
// Here the letter is a plain int. There is one wake: so a second poll, if there
// is one, comes after it.
struct LetterRound {
  State state;
  std::atomic<bool> queued{true};
  std::atomic<bool> woken{false};
  int letter = 0;
  int polls = 0;

  bool run_one() {
    if (!queued.exchange(false, kRelaxed)) return false;
    EXPECT_EQ(state.start(), AtStart::kPoll);
    if (++polls == 2) {
      EXPECT_EQ(letter, 1);
    }
    if (state.suspend() == AtSuspend::kSubmit) queued.store(true, kRelaxed);
    return true;
  }
};

void send_a_letter(LetterRound& round, int, Random& random) {
  const bool by_value = random.below(2) == 0;
  for (int spins = random.below(100); spins > 0; --spins) {
    round.woken.load(kRelaxed);
  }
  round.letter = 1;
  if (by_value) round.state.retain();
  const Duty duty =
      by_value ? round.state.wake_consuming() : round.state.wake();
  if (duty == Duty::kSubmit) round.queued.store(true, kRelaxed);
  round.woken.store(true, kRelaxed);
}

TEST(TaskState, PollSeesWhatTheWakerWrote) {
  Stress<LetterRound> stress(/*rounds=*/200'000);
  stress.threads(1, send_a_letter);
  stress.threads(1, [](LetterRound& round, int, Random&) {
    for (int idle = 0; !round.woken.load(kRelaxed);) {
      if (!round.run_one() && ++idle % 64 == 0) std::this_thread::yield();
    }
  });
  stress.run([](LetterRound& round) {
    while (round.run_one()) {
    }
  });
}

// Property: whenever cancel() comes, the future is destroyed exactly once, by a
// thread that sees what the last poll and the canceller wrote.
struct CancelRound {
  State state;
  std::atomic<bool> queued{true};
  int reason = 0;     // the canceller's
  int polls = 0;      // the future
  int destroyed = 0;  // by cancellation

  void submit() { EXPECT_FALSE(queued.exchange(true, kRelaxed)); }

  void destroy() {
    EXPECT_EQ(reason, 7);
    ++polls;
    ++destroyed;
    std::atomic<Wakeable*> none{nullptr};
    EXPECT_TRUE(state.complete(false, 1, none).done);
  }

  bool run_one() {
    if (!queued.exchange(false, kRelaxed)) return false;
    if (state.start() == AtStart::kDestroy) {
      destroy();
      return true;
    }
    ++polls;
    switch (state.suspend()) {
      case AtSuspend::kForget:
        break;
      case AtSuspend::kSubmit:
        submit();
        break;
      case AtSuspend::kDestroy:
        destroy();
        break;
    }
    return true;
  }
};

void cancel(CancelRound& round, int, Random& random) {
  for (int spins = random.below(200); spins > 0; --spins) {
    round.queued.load(kRelaxed);
  }
  round.reason = 7;
  if (round.state.cancel() == Duty::kSubmit) round.submit();
}

void wake_now_and_then(CancelRound& round, int, Random& random) {
  for (int wakes = random.below(8); wakes > 0; --wakes) {
    if (round.state.wake() == Duty::kSubmit) round.submit();
  }
}

void run_until_complete(CancelRound& round, int, Random&) {
  while (!round.state.is_complete()) {
    if (!round.run_one()) std::this_thread::yield();
  }
}

TEST(TaskState, CancelledFutureIsDestroyedOnce) {
  Stress<CancelRound> stress(/*rounds=*/100'000);
  stress.threads(1, cancel);
  stress.threads(1, wake_now_and_then);
  stress.threads(2, run_until_complete);
  stress.run([](CancelRound& round) {
    EXPECT_EQ(round.destroyed, 1);
    EXPECT_FALSE(round.queued.load(kRelaxed));
  });
}

// Property: the joiner sees the outcome, or the waker that it has published
// last is called, once, and none of those before it.
class Bell final : public Wakeable {
 public:
  void wake() noexcept override { rings.fetch_add(1, kRelaxed); }
  void wake_and_release() noexcept override { wake(); }
  void retain() noexcept override {}
  void release() noexcept override {}

  std::atomic<int> rings{0};
};

struct JoinRound {
  State state;
  std::atomic<Wakeable*> slot{nullptr};
  int outcome = 0;
  Bell bells[32];
  Bell* published = nullptr;  // by the joiner, and not taken back
};

void complete(JoinRound& round, int, Random& random) {
  EXPECT_EQ(round.state.start(), AtStart::kPoll);
  for (int spins = random.below(300); spins > 0; --spins) {
    round.slot.load(kRelaxed);
  }
  round.outcome = 42;
  const State::Completion end = round.state.complete(false, 2, round.slot);
  EXPECT_TRUE(end.done);
  if (end.joiner != nullptr) end.joiner->wake();
}

void join(JoinRound& round, int, Random& random) {
  const uint32_t polls = 1 + random.below(32);
  for (uint32_t i = 0; i < polls; ++i) {
    if (!round.state.is_complete() &&
        (round.published == nullptr || round.state.reclaim_join_waker())) {
      round.published = nullptr;
      round.slot.store(&round.bells[i], kRelaxed);
      if (round.state.publish_join_waker()) {
        round.published = &round.bells[i];
        continue;
      }
    }
    EXPECT_TRUE(round.state.is_complete());
    EXPECT_EQ(round.outcome, 42);
    return;
  }
}

TEST(TaskState, JoinerIsToldOnceAndTheRightWay) {
  Stress<JoinRound> stress(/*rounds=*/300'000);
  stress.threads(1, complete);
  stress.threads(1, join);
  stress.run([](JoinRound& round) {
    for (Bell& bell : round.bells) {
      EXPECT_EQ(bell.rings.load(kRelaxed), &bell == round.published ? 1 : 0);
    }
  });
}

// Property: of an outcome that nobody waits for any more, exactly one of task
// and JoinHandle disposes, and it sees it.
struct DetachRound {
  State state;
  int outcome = 0;
  int disposed = 0;
  std::atomic<int> freed{0};
};

void complete_detached(DetachRound& round, int, Random&) {
  std::atomic<Wakeable*> none{nullptr};
  EXPECT_EQ(round.state.start(), AtStart::kPoll);
  round.outcome = 42;
  State::Completion end = round.state.complete(false, 2, none);
  if (!end.done) {
    ++round.disposed;
    end = round.state.complete(true, 2, none);
  }
  EXPECT_TRUE(end.done);
  if (end.last) round.freed.fetch_add(1, std::memory_order_relaxed);
}

void detach(DetachRound& round, int, Random& random) {
  for (int spins = random.below(50); spins > 0; --spins) {
    (void)round.state.is_cancelled();
  }
  const State::Disinterest end = round.state.drop_join_interest();
  EXPECT_NE(end.drop_outcome, end.released) << "there is no waker";
  if (end.released) return;
  EXPECT_EQ(round.outcome, 42);
  ++round.disposed;
  if (round.state.release()) {
    round.freed.fetch_add(1, std::memory_order_relaxed);
  }
}

TEST(TaskState, OutcomeIsDisposedOfOnce) {
  Stress<DetachRound> stress(/*rounds=*/200'000);
  stress.threads(1, complete_detached);
  stress.threads(1, detach);
  stress.run([](DetachRound& round) {
    EXPECT_EQ(round.disposed, 1);
    EXPECT_EQ(round.freed.load(), 1);
  });
}

// Property: who drops the last reference sees what the others did before they
// dropped theirs.
struct ReleaseRound {
  State state;
  int marks[3] = {};
  int freed = 0;
};

void release(ReleaseRound& round, int me, Random&) {
  round.marks[me] = 1;
  if (!round.state.release()) return;
  ++round.freed;
  for (int mark : round.marks) EXPECT_EQ(mark, 1);
}

TEST(TaskState, LastReferenceSeesTheOthers) {
  Stress<ReleaseRound> stress(/*rounds=*/100'000);
  stress.threads(3, release);
  stress.run([](ReleaseRound& round) { EXPECT_EQ(round.freed, 1); });
}

}  // namespace
}  // namespace eddy::task
