#include "runtime/task/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace eddy {
namespace {

TEST(TaskId, DefaultIsNoTask) {
  EXPECT_EQ(TaskId().value(), 0u);
  EXPECT_NE(TaskId::next(), TaskId());
}

// More than a thread's block of them, from several threads at once.
TEST(TaskId, IsNeverGivenTwice) {
  constexpr int kThreads = 4, kEach = 10'000;
  std::vector<std::vector<TaskId>> ids(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : ids) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < kEach; ++i) mine.push_back(TaskId::next());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<TaskId> all;
  for (const auto& some : ids) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  EXPECT_EQ(all.size(), size_t{kThreads * kEach});
}

}  // namespace
}  // namespace eddy
