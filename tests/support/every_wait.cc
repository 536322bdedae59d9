#include "tests/support/every_wait.h"

namespace eddy::testing {
namespace {

using Wait = AnyKind::Wait;

// Serves, inside of a task that waits as well.
class Server {
 public:
  using Output = void;
  explicit Server(AnyKind& of) : of_(&of) {}
  Poll<void> poll(Context&) {
    of_->serve();
    return kReady;
  }

 private:
  AnyKind* of_;
};

// Ready at its second poll: when its neighbours have their places.
class Second {
 public:
  using Output = void;
  explicit Second() {}
  Poll<void> poll(Context&) {
    if (++polls_ < 2) return kPending;
    return kReady;
  }

 private:
  int polls_ = 0;
};

bool poll(Wait& wait, WakeCounter& waker) {
  return wait.poll(waker.context()).is_ready();
}

}  // namespace

void EveryWait::expect_forgotten(WakeCounter& dropped) {
  EXPECT_EQ(dropped.kept_wakers(), of_->leaves_waker ? 1 : 0);
  WakeCounter kept;
  Wait next = of_->wait();
  EXPECT_FALSE(poll(next, kept));
  EXPECT_EQ(dropped.kept_wakers(), 0);
  of_->serve();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 1);
  EXPECT_TRUE(poll(next, kept));
}

// D4
TEST_P(EveryWait, DroppedAfterAnyNumberOfPollsItIsForgotten) {
  WakeCounter dropped;
  for (int polls = 0; polls < 4; ++polls) {
    Wait wait = of_->wait();
    for (int i = 0; i < polls; ++i) EXPECT_FALSE(poll(wait, dropped));
  }
  expect_forgotten(dropped);
}

// D4
TEST_P(EveryWait, LosingASelectItIsForgotten) {
  WakeCounter dropped;
  {
    auto first = select_biased(of_->wait(), Second());
    EXPECT_TRUE(first.poll(dropped.context()).is_pending());
    EXPECT_GE(dropped.kept_wakers(), 1);
    EXPECT_EQ((*first.poll(dropped.context())).index(), 1u);
  }
  expect_forgotten(dropped);
}

// D4, E2: dropped when it was woken, and had not been polled since.
TEST_P(EveryWait, DroppedWhenItWasServedItHandsOn) {
  WakeCounter first, second;
  {
    Wait wait = of_->wait();
    EXPECT_FALSE(poll(wait, first));
    of_->serve();
    EXPECT_EQ(first.wakes(), 1);
  }
  EXPECT_EQ(first.kept_wakers(), 0);
  Wait next = of_->wait();
  EXPECT_EQ(poll(next, second), of_->hands_on);
}

// D5
TEST_P(EveryWait, AThousandSpuriousPollsChangeNothing) {
  WakeCounter waker;
  Wait wait = of_->wait();
  EXPECT_FALSE(poll(wait, waker));
  const int kept = waker.kept_wakers();  // 1, and 1 of its timer if it has one
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), kept);
  EXPECT_EQ(waker.wakes(), 0);
  of_->serve();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), kept - 1);
  EXPECT_TRUE(poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TEST_P(EveryWait, TheLatestWakerCounts) {
  WakeCounter first, second;
  Wait wait = of_->wait();
  EXPECT_FALSE(poll(wait, first));
  EXPECT_FALSE(poll(wait, second));
  EXPECT_EQ(first.kept_wakers(), 0);
  of_->serve();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(poll(wait, first));
}

// D5
TEST_P(EveryWait, ServedBeforeItsFirstPollItIsReadyAtOnce) {
  WakeCounter waker;
  Wait wait = of_->wait();
  of_->serve();
  EXPECT_TRUE(poll(wait, waker));
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TEST_P(EveryWait, AWakeInsideOfThePollOfItsTaskIsKept) {
  WakeCounter waker;
  auto both = join(of_->wait(), Server(*of_));
  EXPECT_TRUE(both.poll(waker.context()).is_pending());
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(both.poll(waker.context()).is_ready());
}

// D5
TEST_P(EveryWait, PolledAfterItWasReady) {
  WakeCounter waker;
  Wait wait = of_->wait();
  of_->serve();
  EXPECT_TRUE(poll(wait, waker));
  if (of_->after_ready == AfterReady::kFails) {
#ifndef NDEBUG
    EXPECT_DEATH(poll(wait, waker), "after it was ready|twice");
#endif
  } else {
    EXPECT_EQ(poll(wait, waker), of_->after_ready == AfterReady::kIsReady);
  }
}

// H1
TEST_P(EveryWait, WithoutBudgetOthersComeFirst) {
  WakeCounter waker;
  Wait wait = of_->wait();
  of_->serve();
  Context& cx = waker.context(/*budget=*/0);
  if (of_->without_budget == WithoutBudget::kIsReady) {
    EXPECT_TRUE(wait.poll(cx).is_ready());
  } else if (of_->without_budget == WithoutBudget::kYields) {
    EXPECT_TRUE(wait.poll(cx).is_pending());
    EXPECT_TRUE(cx.wake_requested());
    Context& rich = waker.context(/*budget=*/2);
    EXPECT_TRUE(wait.poll(rich).is_ready());
    EXPECT_LT(rich.budget(), 2u) << "in a loop others would wait for ever";
  }
}

}  // namespace eddy::testing
