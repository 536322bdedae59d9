#include "reactor/wake_state.h"

#include <gtest/gtest.h>

namespace eddy::reactor {
namespace {

using Duty = WakeState::Duty;

TEST(WakeState, NobodyWaitsNobodyWrites) {
  WakeState state;
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_EQ(state.wake(), Duty::kNone);
}

TEST(WakeState, ManyWakesOfOneWaitWriteOnce) {
  WakeState state;
  ASSERT_TRUE(state.begin_wait());
  EXPECT_EQ(state.wake(), Duty::kWrite);
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_EQ(state.wake(), Duty::kNone);
  state.end_wait();
  EXPECT_EQ(state.wake(), Duty::kNone);
}

TEST(WakeState, AnEarlierWakeForbidsOneWait) {
  WakeState state;
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_FALSE(state.begin_wait());
  state.end_wait();
  EXPECT_TRUE(state.begin_wait());
}

TEST(WakeState, AWakeWhileAwakeForbidsTheNextWait) {
  WakeState state;
  ASSERT_TRUE(state.begin_wait());
  state.end_wait();
  EXPECT_EQ(state.wake(), Duty::kNone);
  EXPECT_FALSE(state.begin_wait());
}

}  // namespace
}  // namespace eddy::reactor
