// Stress<Round>: runs a short story with several threads many times over.
//
//   struct Round { State state; ... };  // what one story is about
//   void wake_often(Round&, int me, Random&);
//
//   Stress<Round> stress(/*rounds=*/200'000);  // prints its seed
//   stress.threads(2, wake_often);
//   stress.run([](Round& round) { EXPECT_EQ(round.seen, ...); });
//
// Each round has a fresh Round. Its threads start together; inside a round the
// scaffolding adds no order, so that a sanitizer sees that of the code under
// test alone. The check runs when all threads are through, and may look at
// everything, as the last of them. The first failure ends the run.
//
// EDDY_SEED=<n> repeats the random numbers of a run, though not its schedule;
// EDDY_ROUNDS=<n> overrides how many rounds there are. An eighth of them run
// with a sanitizer, which is slow, and at -O0, where g++ makes a locked
// instruction of every atomic store, so that they prove less: what is tagged
// core runs all of them at -O2.
//
// Threads: run() by one.
#ifndef EDDY_TESTS_SUPPORT_STRESS_H_
#define EDDY_TESTS_SUPPORT_STRESS_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/sanitizer.h"

namespace eddy::testing {

using base::Random;

#ifdef __OPTIMIZE__
inline constexpr bool kIsOptimised = true;
#else
inline constexpr bool kIsOptimised = false;
#endif
inline constexpr uint64_t kOneRoundIn =
    EDDY_TSAN || EDDY_ASAN || !kIsOptimised ? 8 : 1;

// A number of the environment, or `otherwise`.
inline uint64_t number_from_env(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

inline uint64_t stress_seed() {
  const uint64_t seed = number_from_env("EDDY_SEED", base::random_seed());
  std::cerr << "EDDY_SEED=" << seed << " repeats this run\n";
  return seed;
}

// Where the threads of a round meet: the last to arrive does what has to be
// done alone, then all go on together. Spins, so that they start close to each
// other, and yields, since there may be more of them than cores.
class StartLine {
 public:
  explicit StartLine(size_t count)
      : count_(count),
        spins_(count <= std::thread::hardware_concurrency() ? 300 : 10) {}

  template <class Alone>
  void meet(Alone alone) {
    const uint64_t turn = turn_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == count_) {
      alone();
      arrived_.store(0, std::memory_order_relaxed);
      turn_.store(turn + 1, std::memory_order_release);
      return;
    }
    for (int spins = 0; turn_.load(std::memory_order_acquire) == turn;) {
      if (++spins > spins_) std::this_thread::yield();
    }
  }

 private:
  const size_t count_;
  const int spins_;
  std::atomic<size_t> arrived_{0};
  std::atomic<uint64_t> turn_{0};
};

template <class Round>
class Stress {
 public:
  using Role = std::function<void(Round&, int me, Random&)>;

  explicit Stress(uint64_t rounds)
      : rounds_(number_from_env("EDDY_ROUNDS",
                                (rounds + kOneRoundIn - 1) / kOneRoundIn)),
        seed_(stress_seed()) {}

  // `count` more threads, which play `role` as its number 0 to count - 1.
  void threads(int count, Role role) {
    for (int me = 0; me < count; ++me) {
      players_.push_back([role, me](Round& round, Random& random) {
        role(round, me, random);
      });
    }
  }

  void run(std::function<void(Round&)> check) {
    std::optional<Round> round;
    uint64_t left = rounds_;  // this and `round` change while all wait
    auto next_round = [&] {
      if (round.has_value()) check(*round);
      if (::testing::Test::HasFailure()) {
        std::cerr << "in round " << rounds_ - left << "\n";
        left = 0;
      }
      round.reset();
      if (left == 0) return;
      round.emplace();
      --left;
    };
    StartLine start(players_.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < players_.size(); ++i) {
      threads.emplace_back([&, i] {
        Random random(seed_ + i);
        for (start.meet(next_round); round.has_value();) {
          players_[i](*round, random);
          start.meet(next_round);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  const uint64_t rounds_;
  const uint64_t seed_;
  std::vector<std::function<void(Round&, Random&)>> players_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_STRESS_H_
