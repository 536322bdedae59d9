// Trees of fork_joins whose children yield, sleep, throw and are dropped, on
// several workers. Properties:
//   - a tree gives what sequential code gives: no child is lost or runs twice;
//   - when a fork_join that was dropped, or threw, is gone, no child of it is
//     alive, or being polled;
//   - nothing hangs.
//
// Faults: fork-join-* in tests/faults.txt.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/sanitizer.h"
#include "runtime/combinators/select.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/fork_join/fork_join_each.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy {
namespace {

using base::Random;

// Children of one tree, and those that are being polled. Plain loads and stores
// would not do: children run at the same time.
struct Tree {
  std::atomic<int> alive{0};
  std::atomic<int> running{0};
  bool throws = false;
};

class Alive {
 public:
  explicit Alive(Tree& tree) : tree_(tree) { tree_.alive.fetch_add(1); }
  Alive(const Alive&) = delete;
  ~Alive() { tree_.alive.fetch_sub(1); }

 private:
  Tree& tree_;
};

class Running {
 public:
  explicit Running(Tree& tree) : tree_(tree) { tree_.running.fetch_add(1); }
  Running(const Running&) = delete;
  ~Running() { tree_.running.fetch_sub(1); }

 private:
  Tree& tree_;
};

void compute(Tree& tree, uint64_t steps) {
  Running running(tree);
  for (uint64_t i = 0; i < steps; ++i) __asm__ __volatile__("");
}

// A child's number says all that it does.
uint64_t child_of(uint64_t number, uint64_t index) {
  return Random(number + 77 * (index + 1))();
}

uint64_t expected(uint64_t number, int depth) {
  const uint64_t children = depth == 0 ? 0 : number % 4;
  uint64_t sum = number;
  for (uint64_t i = 0; i < children; ++i) {
    sum += expected(child_of(number, i), depth - 1);
  }
  return sum;
}

Task<uint64_t> grow(Tree& tree, uint64_t number, int depth) {
  Alive alive(tree);
  compute(tree, number % 100);
  switch (number / 7 % 16) {
    case 0:
      co_await yield_now();
      break;
    case 1:
      co_await time::sleep(std::chrono::microseconds(number / 128 % 200));
      break;
    case 2:
      if (tree.throws && number / 128 % 4 == 0)
        throw std::runtime_error("child");
      break;
    default:
      break;
  }
  uint64_t sum = number;
  const uint64_t children = depth == 0 ? 0 : number % 4;
  auto child = [&](std::size_t i) {
    return grow(tree, child_of(number, i), depth - 1);
  };
  if (children == 2) {
    auto [a, b] = co_await fork_join(child(0), child(1));
    sum += a + b;
  } else if (children > 0) {
    for (uint64_t part : co_await fork_join_each(children, child)) sum += part;
  }
  compute(tree, number % 50);
  co_return sum;
}

class ForkJoinStress : public testing::RuntimeTest,
                       public ::testing::WithParamInterface<uint32_t> {
 protected:
  static constexpr int kDepth = 7;
  static constexpr std::size_t kTrees = EDDY_TSAN || EDDY_ASAN ? 60 : 400;
  static constexpr std::size_t kGrowers = 4;

  // Grows trees in several tasks at once; each gets its tree's number.
  template <class Grow>
  void grow_trees(Grow grow_one) {
    const uint64_t seed = testing::stress_seed();
    Runtime& runtime =
        start(Builder::multi_thread().worker_threads(GetParam()));
    auto grow_some = [&](uint64_t first) -> Task<> {
      for (std::size_t i = 0; i < kTrees; ++i) {
        // A root of two or three children.
        co_await grow_one(Random(first + i)() / 4 * 4 + 2 + i % 2);
      }
    };
    std::vector<JoinHandle<void>> growers;
    for (std::size_t i = 0; i < kGrowers; ++i) {
      growers.push_back(runtime.spawn(grow_some(seed + i * kTrees)));
    }
    for (JoinHandle<void>& grower : growers) {
      runtime.block_on(std::move(grower)).value();
    }
    stop(runtime);
  }

  static void expect_gone(const Tree& tree) {
    EXPECT_EQ(tree.running.load(), 0);
    EXPECT_EQ(tree.alive.load(), 0);
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, ForkJoinStress, ::testing::Values(1, 2, 4));

TEST_P(ForkJoinStress, TreesGiveTheirSums) {
  grow_trees([](uint64_t number) -> Task<> {
    Tree tree;
    const uint64_t sum = co_await grow(tree, number, kDepth);
    EXPECT_EQ(sum, expected(number, kDepth));
    expect_gone(tree);
  });
}

TEST_P(ForkJoinStress, TreesThatThrow) {
  grow_trees([](uint64_t number) -> Task<> {
    Tree tree;
    tree.throws = true;
    try {
      const uint64_t sum = co_await grow(tree, number, kDepth);
      EXPECT_EQ(sum, expected(number, kDepth));
    } catch (const std::runtime_error&) {
    }
    expect_gone(tree);
  });
}

TEST_P(ForkJoinStress, TreesThatAreDropped) {
  grow_trees([](uint64_t number) -> Task<> {
    Tree tree;
    {
      const auto limit = std::chrono::microseconds(number / 512 % 2000);
      auto first =
          co_await select(fork_join(grow(tree, number, kDepth),
                                    grow(tree, child_of(number, 9), kDepth)),
                          time::sleep(limit));
      (void)first;
    }
    expect_gone(tree);
  });
}

TEST_P(ForkJoinStress, TreesThatAreAborted) {
  grow_trees([](uint64_t number) -> Task<> {
    Tree tree;
    auto task = spawn(grow(tree, number, kDepth));
    for (uint64_t i = 0; i < number / 512 % 8; ++i) co_await yield_now();
    task.abort();
    auto result = co_await task;
    if (result.has_value()) {
      EXPECT_EQ(*std::move(result), expected(number, kDepth));
    }
    expect_gone(tree);
  });
}

}  // namespace
}  // namespace eddy
