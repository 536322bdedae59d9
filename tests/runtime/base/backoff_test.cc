#include "runtime/base/backoff.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace eddy::base {
namespace {

TEST(BackOff, EndsWhereNothingChanges) {
  std::atomic<int> word{1};
  back_off(word);
  EXPECT_EQ(word.load(), 1);
}

TEST(BackOff, EndsThoughTheWordNeverRests) {
  std::atomic<int> word{0};
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop.load()) word.fetch_add(1);
  });
  while (word.load() == 0) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) back_off(word);
  stop.store(true);
  other.join();
  EXPECT_GT(word.load(), 0);
}

}  // namespace
}  // namespace eddy::base
