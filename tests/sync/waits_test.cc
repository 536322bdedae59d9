// What holds for each wait of sync/ that is served in the order of waiting,
// whatever it waits for. every_wait_test.cc has what holds for others, too.
#include "tests/sync/waits.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

template <class T>
class Waits : public ::testing::Test {
 protected:
  using Wait = decltype(std::declval<T&>().wait());

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }

  T of_;
};
TYPED_TEST_SUITE(Waits, WaitsInOrder);

// H1
TYPED_TEST(Waits, AreServedInTheOrderOfWaiting) {
  WakeCounter first, second;
  auto b = this->of_.wait(), a = this->of_.wait();
  EXPECT_FALSE(this->poll(a, first));
  EXPECT_FALSE(this->poll(b, second));
  this->of_.serve();
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_FALSE(this->poll(b, second));
  EXPECT_TRUE(this->poll(a, first));
}

// H1: who comes later, and polls more often, is not served before.
TYPED_TEST(Waits, ImpatienceIsOfNoUse) {
  WakeCounter patient, impatient;
  auto first = this->of_.wait(), second = this->of_.wait();
  EXPECT_FALSE(this->poll(first, patient));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(this->poll(second, impatient));
  this->of_.serve();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(this->poll(second, impatient));
  EXPECT_EQ(impatient.wakes(), 0);
  EXPECT_TRUE(this->poll(first, patient));
}

// D4: dropped in the middle of the queue, it leaves no gap.
TYPED_TEST(Waits, ADroppedWaitGivesUpItsPlace) {
  WakeCounter dropped, kept;
  std::optional<typename TestFixture::Wait> first(this->of_.wait());
  auto second = this->of_.wait();
  std::optional<typename TestFixture::Wait> third(this->of_.wait());
  EXPECT_FALSE(this->poll(*first, dropped));
  EXPECT_FALSE(this->poll(second, kept));
  EXPECT_FALSE(this->poll(*third, dropped));
  third.reset();
  first.reset();
  EXPECT_EQ(dropped.kept_wakers(), 0);
  EXPECT_EQ(kept.wakes(), 0);
  this->of_.serve();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 1);
  EXPECT_TRUE(this->poll(second, kept));
}

// D4, E2
TYPED_TEST(Waits, AServedWaitThatIsDroppedWakesTheNext) {
  WakeCounter first, second;
  std::optional<typename TestFixture::Wait> wait(this->of_.wait());
  auto next = this->of_.wait();
  EXPECT_FALSE(this->poll(*wait, first));
  EXPECT_FALSE(this->poll(next, second));
  this->of_.serve();
  wait.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(this->poll(next, second));
}

}  // namespace
}  // namespace eddy::sync
