// EveryWait: what holds for each future that waits for something, whatever that
// is. wait_traits.h says what a kind of wait is.
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Sync, EveryWait,
//                                  ::testing::Types<OfSemaphore, ...>);
//
// The waits are polled by hand, without a runtime. Rows D4, D5 and H1.
#ifndef EDDY_TESTS_SUPPORT_EVERY_WAIT_H_
#define EDDY_TESTS_SUPPORT_EVERY_WAIT_H_

#include <gtest/gtest.h>

#include <utility>

#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/task/future.h"
#include "tests/support/wait_traits.h"
#include "tests/support/wake_counter.h"

namespace eddy::testing {

template <class T>
class EveryWait : public ::testing::Test {
 protected:
  using Wait = decltype(std::declval<T&>().wait());

  // Serves, inside of a task that waits as well.
  class Server {
   public:
    using Output = void;
    explicit Server(T& of) : of_(&of) {}
    Poll<void> poll(Context&) {
      of_->serve();
      return kReady;
    }

   private:
    T* of_;
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

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }
  // `dropped` is not woken, and the next wait is served.
  void expect_forgotten(WakeCounter& dropped) {
    EXPECT_EQ(dropped.kept_wakers(), T::kLeavesWaker ? 1 : 0);
    WakeCounter kept;
    auto next = of_.wait();
    EXPECT_FALSE(poll(next, kept));
    EXPECT_EQ(dropped.kept_wakers(), 0);
    of_.serve();
    EXPECT_EQ(dropped.wakes(), 0);
    EXPECT_EQ(kept.wakes(), 1);
    EXPECT_TRUE(poll(next, kept));
  }

  T of_;
};
TYPED_TEST_SUITE_P(EveryWait);

// D4
TYPED_TEST_P(EveryWait, DroppedAfterAnyNumberOfPollsItIsForgotten) {
  WakeCounter dropped;
  for (int polls = 0; polls < 4; ++polls) {
    auto wait = this->of_.wait();
    for (int i = 0; i < polls; ++i) EXPECT_FALSE(this->poll(wait, dropped));
  }
  this->expect_forgotten(dropped);
}

// D4
TYPED_TEST_P(EveryWait, LosingASelectItIsForgotten) {
  using Second = typename TestFixture::Second;
  WakeCounter dropped;
  {
    auto first = select_biased(droppable(this->of_.wait()), Second());
    EXPECT_TRUE(first.poll(dropped.context()).is_pending());
    EXPECT_GE(dropped.kept_wakers(), 1);
    EXPECT_EQ((*first.poll(dropped.context())).index(), 1u);
  }
  this->expect_forgotten(dropped);
}

// D4, E2: dropped when it was woken, and had not been polled since.
TYPED_TEST_P(EveryWait, DroppedWhenItWasServedItHandsOn) {
  WakeCounter first, second;
  {
    auto wait = this->of_.wait();
    EXPECT_FALSE(this->poll(wait, first));
    this->of_.serve();
    EXPECT_EQ(first.wakes(), 1);
  }
  EXPECT_EQ(first.kept_wakers(), 0);
  auto next = this->of_.wait();
  EXPECT_EQ(this->poll(next, second), TypeParam::kHandsOn);
}

// D5
TYPED_TEST_P(EveryWait, AThousandSpuriousPollsChangeNothing) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  EXPECT_FALSE(this->poll(wait, waker));
  const int kept = waker.kept_wakers();  // 1, and 1 of its timer if it has one
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(this->poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), kept);
  EXPECT_EQ(waker.wakes(), 0);
  this->of_.serve();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), kept - 1);
  EXPECT_TRUE(this->poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TYPED_TEST_P(EveryWait, TheLatestWakerCounts) {
  WakeCounter first, second;
  auto wait = this->of_.wait();
  EXPECT_FALSE(this->poll(wait, first));
  EXPECT_FALSE(this->poll(wait, second));
  EXPECT_EQ(first.kept_wakers(), 0);
  this->of_.serve();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(this->poll(wait, first));
}

// D5
TYPED_TEST_P(EveryWait, ServedBeforeItsFirstPollItIsReadyAtOnce) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.serve();
  EXPECT_TRUE(this->poll(wait, waker));
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TYPED_TEST_P(EveryWait, AWakeInsideOfThePollOfItsTaskIsKept) {
  using Server = typename TestFixture::Server;
  WakeCounter waker;
  auto both = join(this->of_.wait(), Server(this->of_));
  EXPECT_TRUE(both.poll(waker.context()).is_pending());
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(both.poll(waker.context()).is_ready());
}

// D5
TYPED_TEST_P(EveryWait, PolledAfterItWasReady) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.serve();
  EXPECT_TRUE(this->poll(wait, waker));
  if constexpr (TypeParam::kAfterReady == AfterReady::kFails) {
#ifndef NDEBUG
    EXPECT_DEATH(this->poll(wait, waker), "after it was ready|twice");
#endif
  } else {
    EXPECT_EQ(this->poll(wait, waker),
              TypeParam::kAfterReady == AfterReady::kIsReady);
  }
}

// H1
TYPED_TEST_P(EveryWait, WithoutBudgetOthersComeFirst) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.serve();
  Context& cx = waker.context(/*budget=*/0);
  if constexpr (TypeParam::kWithoutBudget == WithoutBudget::kIsReady) {
    EXPECT_TRUE(wait.poll(cx).is_ready());
  } else if constexpr (TypeParam::kWithoutBudget == WithoutBudget::kYields) {
    EXPECT_TRUE(wait.poll(cx).is_pending());
    EXPECT_TRUE(cx.wake_requested());
    Context& rich = waker.context(/*budget=*/2);
    EXPECT_TRUE(wait.poll(rich).is_ready());
    EXPECT_LT(rich.budget(), 2u) << "in a loop others would wait for ever";
  }
}

REGISTER_TYPED_TEST_SUITE_P(
    EveryWait, DroppedAfterAnyNumberOfPollsItIsForgotten,
    LosingASelectItIsForgotten, DroppedWhenItWasServedItHandsOn,
    AThousandSpuriousPollsChangeNothing, TheLatestWakerCounts,
    ServedBeforeItsFirstPollItIsReadyAtOnce,
    AWakeInsideOfThePollOfItsTaskIsKept, PolledAfterItWasReady,
    WithoutBudgetOthersComeFirst);

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_EVERY_WAIT_H_
