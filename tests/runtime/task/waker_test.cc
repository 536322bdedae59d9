#include "runtime/task/waker.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::WakeCounter;

TEST(Waker, DefaultOneWakesNobody) {
  Waker waker;
  EXPECT_FALSE(waker);
  waker.wake();
  std::move(waker).wake();
  EXPECT_TRUE(Waker().will_wake(Waker()));
}

TEST(Waker, WakeByReferenceKeepsIt) {
  WakeCounter counter;
  Waker waker = counter.waker();
  waker.wake();
  waker.wake();
  EXPECT_EQ(counter.wakes(), 2);
  EXPECT_TRUE(waker);
  EXPECT_EQ(counter.kept_wakers(), 1);
}

TEST(Waker, WakeByValueUsesItUp) {
  WakeCounter counter;
  Waker waker = counter.waker();
  std::move(waker).wake();
  EXPECT_EQ(counter.wakes(), 1);
  EXPECT_EQ(counter.kept_wakers(), 0);
  EXPECT_FALSE(waker);
  waker.wake();
  EXPECT_EQ(counter.wakes(), 1);
}

TEST(Waker, CopiesAreCountedAndMovesAreNot) {
  WakeCounter counter, other;
  {
    Waker a = counter.waker();
    Waker b = a;
    EXPECT_EQ(counter.kept_wakers(), 2);
    Waker c = std::move(a);
    EXPECT_EQ(counter.kept_wakers(), 2);
    b = c;
    EXPECT_EQ(counter.kept_wakers(), 2);
    Waker& same = b;
    b = same;
    EXPECT_TRUE(b.will_wake(c));
    b = other.waker();
    EXPECT_EQ(counter.kept_wakers(), 1);
    EXPECT_EQ(other.kept_wakers(), 1);
    EXPECT_FALSE(b.will_wake(c));
  }
  EXPECT_EQ(counter.kept_wakers(), 0);
  EXPECT_EQ(other.kept_wakers(), 0);
}

TEST(Waker, LeakIsTheOppositeOfAdopt) {
  WakeCounter counter;
  Wakeable* target = Waker(counter.waker()).leak();
  EXPECT_EQ(counter.kept_wakers(), 1);
  Waker again = Waker::adopt(target);
  again.wake();
  EXPECT_EQ(counter.wakes(), 1);
  EXPECT_EQ(counter.kept_wakers(), 1);
}

TEST(Waker, IsOnePointer) { EXPECT_EQ(sizeof(Waker), sizeof(void*)); }

// E1
TEST(Waker, OutlivesWhomItWokeFor) {
  Waker waker;
  {
    WakeCounter counter;
    waker = counter.waker();
  }
  waker.wake();
  std::thread([waker] { waker.wake(); }).join();
}

}  // namespace
}  // namespace eddy
