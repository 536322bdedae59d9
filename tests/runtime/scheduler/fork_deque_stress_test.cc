// Property: each fork that is pushed is taken once, by its owner or by a thief,
// who sees what was written before the push; and the owner pops the newest of
// what was not stolen.
//
// The owner keeps few forks at a time, so that positions are used again while
// thieves are at work. What a fork carries is a plain int: ThreadSanitizer sees
// the edges of the deque alone. Faults: fork-deque-* in tests/faults.txt.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "runtime/scheduler/fork_deque.h"
#include "tests/support/stress.h"

namespace eddy::scheduler {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::size_t kForks = 1000;
constexpr int kThieves = 2;

struct Round {
  ForkDeque deque;
  std::array<int, kForks> written = {};
  std::array<std::atomic<int>, kForks> taken = {};
  std::atomic<bool> is_over{false};

  void take(uint64_t fork) {
    ASSERT_LT(fork, kForks);
    EXPECT_EQ(written[fork], static_cast<int>(fork) + 1);
    taken[fork].fetch_add(1, kRelaxed);
  }
};

void own(Round& round, int, testing::Random& random) {
  std::vector<uint64_t> mine;
  for (uint64_t next = 0; next < kForks || !mine.empty();) {
    if (next < kForks && (mine.empty() || random.below(2) == 0)) {
      round.written[next] = static_cast<int>(next) + 1;
      EXPECT_TRUE(round.deque.push({nullptr, next}));
      mine.push_back(next++);
      (void)round.deque.publish();  // where it is not due it does nothing
      continue;
    }
    ForkDeque::Item item;
    if (round.deque.pop(item)) {
      EXPECT_EQ(item.branches, mine.back());
      mine.pop_back();
      round.take(item.branches);
    } else {
      mine.clear();  // stolen
    }
  }
  round.is_over.store(true, kRelaxed);
}

void rob(Round& round, int, testing::Random&) {
  for (int failures = 0; !round.is_over.load(kRelaxed);) {
    ForkDeque::Item item;
    if (round.deque.steal(item)) {
      round.take(item.branches);
    } else if (++failures % 256 == 0) {
      std::this_thread::yield();  // there may be more threads than cores
    }
  }
}

TEST(ForkDeque, EachForkIsTakenOnce) {
  testing::Stress<Round> stress(/*rounds=*/4'000);
  stress.threads(1, own);
  stress.threads(kThieves, rob);
  stress.run([](Round& round) {
    for (std::size_t i = 0; i < kForks; ++i) {
      EXPECT_EQ(round.taken[i].load(kRelaxed), 1) << "fork " << i;
    }
  });
}

}  // namespace
}  // namespace eddy::scheduler
