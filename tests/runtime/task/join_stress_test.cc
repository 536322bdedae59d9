// A JoinHandle that is polled and dropped while its task is woken, completes
// and is aborted, each by a thread of its own.
#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/task/cell.h"
#include "runtime/task/join_handle.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Random;
using testing::Stress;
using testing::WakeCounter;

constexpr auto kRelaxed = std::memory_order_relaxed;

// A run queue for one task, which adds no order.
class RelaxedScheduler final : public task::Scheduler {
 public:
  void schedule(task::Header& task) noexcept override {
    EXPECT_EQ(queued_.exchange(&task, kRelaxed), nullptr);
  }
  void reschedule(task::Header& task) noexcept override { schedule(task); }
  bool admit(task::Header&) noexcept override { return true; }
  bool enlist(task::Header&) noexcept override { return true; }
  bool dismiss(task::Header&) noexcept override { return true; }
  void unhandled(std::exception_ptr) noexcept override {}

  bool run_one() {
    task::Header* task = queued_.exchange(nullptr, kRelaxed);
    if (task != nullptr) task->run();
    return task != nullptr;
  }

 private:
  std::atomic<task::Header*> queued_{nullptr};
};

// What must be destroyed exactly once, by a thread that saw its life before.
class Resource {
 public:
  Resource(std::atomic<int>& live, int* value) : live_(&live), value_(value) {
    live_->fetch_add(1, kRelaxed);
  }
  Resource(Resource&& other) noexcept
      : live_(other.live_), value_(std::exchange(other.value_, nullptr)) {
    live_->fetch_add(1, kRelaxed);
  }
  Resource& operator=(Resource&&) = delete;
  ~Resource() {
    live_->fetch_sub(1, kRelaxed);
    delete value_;
  }
  int value() const { return *value_; }

 private:
  std::atomic<int>* live_;
  int* value_;  // plain memory: ThreadSanitizer sees who touches it
};

// Ready when there is a letter; relaxed, since a poll too many may see it
// early.
class Letter {
 public:
  using Output = Resource;
  struct Box {
    Waker waker;
    std::atomic<int> letter{0};
    int polls = 0;
    std::atomic<int> live{0};
  };

  explicit Letter(Box& box) : box_(&box), own_(box.live, new int(1)) {}

  Poll<Resource> poll(Context& cx) {
    if (++box_->polls == 1) box_->waker = cx.waker();
    const int letter = box_->letter.load(kRelaxed);
    if (letter == 0) return kPending;
    return Resource(box_->live, new int(letter));
  }

 private:
  Box* box_;
  Resource own_;
};

// Property: whatever the order, future and outcome are destroyed once, the
// joiner gets the value or "cancelled", and it is woken if it waits.
struct JoinRound {
  RelaxedScheduler scheduler;
  Letter::Box box;
  std::optional<JoinHandle<Resource>> handle;
  std::optional<AbortHandle> abort;
  WakeCounter wakers[2];
  std::optional<int> waits_with;  // the waker of the joiner's last poll
  bool joined = false;

  JoinRound()
      : handle(task::launch(scheduler, Letter(box))),
        abort(handle->abort_handle()) {
    scheduler.run_one();
  }
};

void pause_a_little(JoinRound& round, Random& random) {
  for (int n = random.below(100); n > 0; --n) round.box.live.load(kRelaxed);
}

void wake(JoinRound& round, int, Random& random) {
  pause_a_little(round, random);
  if (random.below(2) == 0) {
    round.box.waker.wake();  // for nothing
    pause_a_little(round, random);
  }
  round.box.letter.store(7, kRelaxed);
  if (random.below(2) == 0) {
    std::move(round.box.waker).wake();
  } else {
    round.box.waker.wake();
    round.box.waker = Waker();
  }
}

void abort_sometimes(JoinRound& round, int, Random& random) {
  pause_a_little(round, random);
  if (random.below(2) == 0) round.abort->abort();
  round.abort.reset();
}

void join(JoinRound& round, int, Random& random) {
  for (int polls = random.below(12); polls > 0; --polls) {
    const int which = random.below(2);
    auto poll = round.handle->poll(round.wakers[which].context());
    if (poll.is_pending()) {
      round.waits_with = which;
      continue;
    }
    round.joined = true;
    JoinResult<Resource> result = *std::move(poll);
    if (!result.is_cancelled()) {
      EXPECT_EQ(std::move(result).value().value(), 7);
    }
    return;
  }
  if (random.below(2) == 0) round.handle.reset();
}

void run_until_woken(JoinRound& round, int, Random&) {
  while (!round.scheduler.run_one()) std::this_thread::yield();
}

void expect_clean_end(JoinRound& round) {
  while (round.scheduler.run_one()) {
  }
  if (round.handle.has_value() && !round.joined) {
    EXPECT_TRUE(round.handle->is_finished());
    if (round.waits_with.has_value()) {
      EXPECT_EQ(round.wakers[*round.waits_with].wakes(), 1);
    }
  }
  round.handle.reset();
  EXPECT_EQ(round.box.live.load(), 0);
  for (WakeCounter& waker : round.wakers) EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(JoinStress, PollAndDropRaceWithCompletionAndAbort) {
  Stress<JoinRound> stress(/*rounds=*/60'000);
  stress.threads(1, wake);
  stress.threads(1, abort_sometimes);
  stress.threads(1, join);
  stress.threads(1, run_until_woken);
  stress.run(expect_clean_end);
}

// The same, with as few threads as make the race: the joiner against the task.
TEST(JoinStress, PollAndDropRaceWithCompletion) {
  Stress<JoinRound> stress(/*rounds=*/200'000);
  stress.threads(1, [](JoinRound& round, int me, Random& random) {
    wake(round, me, random);
    round.scheduler.run_one();
    round.abort.reset();
  });
  stress.threads(1, join);
  stress.run(expect_clean_end);
}

TEST(JoinStress, PollAndDropRaceWithAbort) {
  Stress<JoinRound> stress(/*rounds=*/200'000);
  stress.threads(1, [](JoinRound& round, int, Random& random) {
    pause_a_little(round, random);
    round.abort->abort();
    round.scheduler.run_one();
    round.abort.reset();
    round.box.waker = Waker();
  });
  stress.threads(1, join);
  stress.run(expect_clean_end);
}

// The abort comes while the task is polled for nothing.
TEST(JoinStress, AbortRacesWithAPoll) {
  Stress<JoinRound> stress(/*rounds=*/200'000);
  stress.threads(1, [](JoinRound& round, int, Random& random) {
    pause_a_little(round, random);
    std::move(round.box.waker).wake();
    round.scheduler.run_one();
  });
  stress.threads(1, [](JoinRound& round, int, Random& random) {
    pause_a_little(round, random);
    round.abort->abort();
    round.abort.reset();
  });
  stress.run(expect_clean_end);
}

}  // namespace
}  // namespace eddy
