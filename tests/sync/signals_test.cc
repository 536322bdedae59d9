// What holds for each wait of sync/ that ends together with all others,
// whatever it waits for. every_wait_test.cc has what holds for others, too.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <utility>

#include "tests/support/wake_counter.h"
#include "tests/sync/waits.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

template <class T>
class Signals : public ::testing::Test {
 protected:
  using Wait = decltype(std::declval<T&>().wait());

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }

  T of_;
};
TYPED_TEST_SUITE(Signals, WaitsTogether);

// H1
TYPED_TEST(Signals, EndAllWaits) {
  constexpr int kWaits = 40;  // more than are woken under one lock
  WakeCounter waker;
  std::deque<typename TestFixture::Wait> waits;
  for (int i = 0; i < kWaits; ++i) {
    waits.push_back(this->of_.wait());
    EXPECT_FALSE(this->poll(waits.back(), waker));
  }
  this->of_.serve();
  EXPECT_EQ(waker.wakes(), kWaits);
  EXPECT_EQ(waker.kept_wakers(), 0);
  for (auto& wait : waits) EXPECT_TRUE(this->poll(wait, waker));
}

// D4: dropped between two others, after any number of polls.
TYPED_TEST(Signals, ADroppedWaitLeavesTheOthers) {
  WakeCounter dropped, kept;
  auto first = this->of_.wait();
  EXPECT_FALSE(this->poll(first, kept));
  for (int polls = 0; polls < 4; ++polls) {
    auto wait = this->of_.wait();
    for (int i = 0; i < polls; ++i) EXPECT_FALSE(this->poll(wait, dropped));
  }
  auto last = this->of_.wait();
  EXPECT_FALSE(this->poll(last, kept));
  EXPECT_EQ(dropped.kept_wakers(), 0);
  this->of_.serve();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 2);
  EXPECT_TRUE(this->poll(first, kept));
  EXPECT_TRUE(this->poll(last, kept));
}

// D4: dropped when it was woken and had not seen it.
TYPED_TEST(Signals, AWokenWaitMayBeDropped) {
  WakeCounter waker;
  std::optional<typename TestFixture::Wait> wait(this->of_.wait());
  auto other = this->of_.wait();
  EXPECT_FALSE(this->poll(*wait, waker));
  this->of_.serve();
  wait.reset();
  EXPECT_TRUE(this->poll(other, waker));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

}  // namespace
}  // namespace eddy::sync
