#include "runtime/scheduler/parker.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <thread>

#include "tests/support/fault_injector.h"

namespace eddy::scheduler {
namespace {

using testing::Call;
using testing::FaultInjector;

TEST(Parker, RemembersOneUnpark) {
  FaultInjector calls;
  Parker parker;
  parker.unpark();
  parker.unpark();
  parker.park();
  EXPECT_EQ(calls.calls(Call::kFutexWait), 0u);
  EXPECT_EQ(calls.calls(Call::kFutexWake), 0u);  // nobody slept

  std::thread waker([&] { parker.unpark(); });
  parker.park();  // a second one is not left over
  waker.join();
}

// A4
TEST(Parker, ASignalDoesNotEndASleep) {
  FaultInjector faults;
  faults.fail(Call::kFutexWait, testing::first(20), EINTR);
  Parker parker;
  bool woken = false;
  std::thread waker([&] {
    while (faults.failures(Call::kFutexWait) < 20) std::this_thread::yield();
    woken = true;
    parker.unpark();
  });
  parker.park();
  EXPECT_TRUE(woken);
  waker.join();
}

TEST(Parker, WakesAThreadThatSleeps) {
  FaultInjector calls;
  Parker parker;
  int letter = 0;
  std::thread sleeper([&] {
    parker.park();
    EXPECT_EQ(letter, 1);
  });
  while (calls.calls(Call::kFutexWait) == 0) std::this_thread::yield();
  letter = 1;
  parker.unpark();
  EXPECT_EQ(calls.calls(Call::kFutexWake), 1u);
  sleeper.join();
}

}  // namespace
}  // namespace eddy::scheduler
