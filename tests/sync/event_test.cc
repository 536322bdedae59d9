#include "sync/event.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "runtime/combinators/select.h"
#include "runtime/task/task.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

TEST(Event, SetWakesAllWhoWait) {
  Event event;
  WakeCounter first, second;
  Event::Wait a = event.wait(), b = event.wait();
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  event.set();
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(a.poll(first.context()).is_ready());
  EXPECT_TRUE(b.poll(second.context()).is_ready());
  EXPECT_TRUE(event.wait().poll(first.context()).is_ready());
  event.set();
  EXPECT_EQ(first.wakes(), 1);
}

TEST(Event, DroppedWaitIsNotWoken) {
  Event event;
  WakeCounter waker;
  {
    Event::Wait wait = event.wait();
    EXPECT_TRUE(wait.poll(waker.context()).is_pending());
    EXPECT_TRUE(wait.poll(waker.context()).is_pending());  // a poll too many
  }
  event.set();
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(Event, LatestWakerCounts) {
  Event event;
  WakeCounter first, second;
  Event::Wait wait = event.wait();
  EXPECT_TRUE(wait.poll(first.context()).is_pending());
  EXPECT_TRUE(wait.poll(second.context()).is_pending());
  event.set();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
}

TEST(Event, SpendsTheBudget) {
  Event event;
  WakeCounter waker;
  event.set();
  Context& cx = waker.context(/*budget=*/1);
  EXPECT_TRUE(event.wait().poll(cx).is_ready());
  EXPECT_TRUE(event.wait().poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
}

Task<size_t> first_of(Event* a, Event* b) {
  co_return (co_await select(a->wait(), b->wait())).index();
}

TEST(Event, MovesIntoASelect) {
  Event a, b;
  WakeCounter waker;
  Task<size_t> task = first_of(&a, &b);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  b.set();
  EXPECT_EQ(*task.poll(waker.context()), 1u);
}

TEST(EventDeathTest, MovedAfterItsFirstPollFailsLoudly) {
  Event event;
  WakeCounter waker;
  Event::Wait wait = event.wait();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  EXPECT_DEATH(Event::Wait moved = std::move(wait), "moved after its first");
}

// Property (E2): a wait that was pending is woken, or dropped, and it sees what
// was written before set().
//
// Planted faults, each of which fails this test:
//   poll_wait() links without a look at set_ under the same lock: a lost wake
//   forget() does not take the lock: a race (TSan)
constexpr int kEvents = 16;

struct Round {
  Event events[kEvents];
  int letters[kEvents] = {};
  WakeCounter wakers[kEvents];
};

// Waits while the events are set one by one, and drops half of its waits.
void wait_for_each(Round& round, int, base::Random& random) {
  for (int i = 0; i < kEvents; ++i) {
    Event::Wait wait = round.events[i].wait();
    Poll<void> poll = wait.poll(round.wakers[i].context());
    if (poll.is_pending() && random.below(2) == 0) {
      while (round.wakers[i].wakes() == 0) std::this_thread::yield();
      poll = wait.poll(round.wakers[i].context());
      EXPECT_TRUE(poll.is_ready());
    }
    if (poll.is_ready()) {
      EXPECT_EQ(round.letters[i], 1);
    }
  }
}

void set_each(Round& round, int, base::Random&) {
  for (int i = 0; i < kEvents; ++i) {
    round.letters[i] = 1;
    round.events[i].set();
  }
}

TEST(Event, NoWakeIsLost) {
  testing::Stress<Round> stress(/*rounds=*/20'000);
  stress.threads(1, wait_for_each);
  stress.threads(1, set_each);
  stress.run([](Round& round) {
    for (WakeCounter& waker : round.wakers) {
      EXPECT_EQ(waker.kept_wakers(), 0);
      EXPECT_LE(waker.wakes(), 1);
    }
  });
}

}  // namespace
}  // namespace eddy::sync
