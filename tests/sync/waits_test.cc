// What holds for each wait of sync/ that is served in the order of waiting,
// whatever it waits for. every_wait_test.cc has what holds for others, too.
#include "tests/sync/waits.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "tests/support/any_kind.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::AnyKind;
using testing::WakeCounter;

class Waits : public ::testing::TestWithParam<testing::KindName> {
 protected:
  using Wait = AnyKind::Wait;

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }

  const std::unique_ptr<AnyKind> of_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(InOrder, Waits,
                         ::testing::ValuesIn(testing::kinds_of(WaitsInOrder())),
                         testing::name_of_kind);

// H1
TEST_P(Waits, AreServedInTheOrderOfWaiting) {
  WakeCounter first, second;
  auto b = of_->wait(), a = of_->wait();
  EXPECT_FALSE(poll(a, first));
  EXPECT_FALSE(poll(b, second));
  of_->serve();
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_FALSE(poll(b, second));
  EXPECT_TRUE(poll(a, first));
}

// H1: who comes later, and polls more often, is not served before.
TEST_P(Waits, ImpatienceIsOfNoUse) {
  WakeCounter patient, impatient;
  auto first = of_->wait(), second = of_->wait();
  EXPECT_FALSE(poll(first, patient));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(poll(second, impatient));
  of_->serve();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(poll(second, impatient));
  EXPECT_EQ(impatient.wakes(), 0);
  EXPECT_TRUE(poll(first, patient));
}

// D4: dropped in the middle of the queue, it leaves no gap.
TEST_P(Waits, ADroppedWaitGivesUpItsPlace) {
  WakeCounter dropped, kept;
  std::optional<Wait> first(of_->wait());
  auto second = of_->wait();
  std::optional<Wait> third(of_->wait());
  EXPECT_FALSE(poll(*first, dropped));
  EXPECT_FALSE(poll(second, kept));
  EXPECT_FALSE(poll(*third, dropped));
  third.reset();
  first.reset();
  EXPECT_EQ(dropped.kept_wakers(), 0);
  EXPECT_EQ(kept.wakes(), 0);
  of_->serve();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 1);
  EXPECT_TRUE(poll(second, kept));
}

// D4, E2
TEST_P(Waits, AServedWaitThatIsDroppedWakesTheNext) {
  WakeCounter first, second;
  std::optional<Wait> wait(of_->wait());
  auto next = of_->wait();
  EXPECT_FALSE(poll(*wait, first));
  EXPECT_FALSE(poll(next, second));
  of_->serve();
  wait.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(poll(next, second));
}

}  // namespace
}  // namespace eddy::sync
