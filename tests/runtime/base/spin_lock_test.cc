#include "runtime/base/spin_lock.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace eddy::base {
namespace {

// More threads than CPUs: a holder loses his now and then.
TEST(SpinLock, ExcludesAndOrders) {
  constexpr int kThreads = 8, kTimes = 20'000;
  SpinLock lock;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTimes; ++i) {
        SpinLockHold hold(&lock);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kTimes);
}

}  // namespace
}  // namespace eddy::base
