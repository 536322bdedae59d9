// JoinSets and scopes whose tasks yield, sleep, throw, spawn and are dropped,
// on several workers and on one thread. Properties:
//   - each task of a JoinSet is joined exactly once, or ends aborted with it;
//   - once a scope has ended, by value, exception or drop, no child of it is
//     alive or being polled, and none touches what it borrowed;
//   - nothing hangs.
//
// Faults: join-set-* and scope-* in tests/faults.txt.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/sanitizer.h"
#include "runtime/combinators/select.h"
#include "runtime/groups/join_set.h"
#include "runtime/groups/scope.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"

namespace eddy {
namespace {

using base::Random;

// What the children of one scope borrow. `letters` are plain: each has one
// writer, and is read when all have ended.
struct Borrowed {
  std::atomic<int> alive{0};
  std::atomic<int> running{0};
  std::atomic<int> begun{0};
  std::vector<int> letters = std::vector<int>(16, 0);
  bool throws = false;
};

class Counted {
 public:
  explicit Counted(std::atomic<int>& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  Counted(const Counted&) = delete;
  ~Counted() { count_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<int>& count_;
};

void compute(Borrowed& borrowed, uint64_t steps) {
  Counted running(borrowed.running);
  for (uint64_t i = 0; i < steps; ++i) __asm__ __volatile__("");
}

Task<> child(Scope& scope, Borrowed& borrowed, std::size_t index,
             uint64_t number) {
  borrowed.begun.fetch_add(1, std::memory_order_relaxed);
  Counted alive(borrowed.alive);
  compute(borrowed, number % 2'000);
  switch (number / 7 % 8) {
    case 0:
      co_await time::sleep(std::chrono::microseconds(number / 128 % 100));
      break;
    case 1:
      for (uint64_t i = 0; i < number / 128 % 8; ++i) co_await yield_now();
      break;
    case 2:
      if (2 * index + 1 < borrowed.letters.size()) {
        scope.spawn(child(scope, borrowed, 2 * index, number / 3));
        co_await yield_now();
        scope.spawn(child(scope, borrowed, 2 * index + 1, number / 5));
      }
      break;
    case 3:
      if (borrowed.throws) throw std::runtime_error("child");
      break;
    default:
      break;
  }
  compute(borrowed, number % 500);
  ++borrowed.letters[index];
}

class GroupsStress : public testing::RuntimeTest,
                     public ::testing::WithParamInterface<uint32_t> {
 protected:
  static constexpr std::size_t kRounds = EDDY_TSAN || EDDY_ASAN ? 60 : 300;
  static constexpr std::size_t kOwners = 4;

  // Several tasks at once; each round gets a number.
  template <class Play>
  void play_rounds(Play play) {
    const uint64_t seed = testing::stress_seed();
    Runtime& runtime = start(
        GetParam() == 0 ? Builder::current_thread()
                        : Builder::multi_thread().worker_threads(GetParam()));
    auto play_some = [&](uint64_t first) -> Task<> {
      for (std::size_t i = 0; i < kRounds; ++i) {
        co_await play(Random(first + i)());
      }
    };
    std::vector<JoinHandle<void>> owners;
    for (std::size_t i = 0; i < kOwners; ++i) {
      owners.push_back(runtime.spawn(play_some(seed + i * kRounds)));
    }
    for (JoinHandle<void>& owner : owners) {
      runtime.block_on(std::move(owner)).value();
    }
    stop(runtime);
  }

  static auto body_of(Borrowed& borrowed, uint64_t number) {
    return [&borrowed, number](Scope& scope) -> Task<> {
      for (std::size_t i = 0; i < 1 + number % 4; ++i) {
        scope.spawn(child(scope, borrowed, 4 + i, Random(number + i)()));
      }
      if (number % 3 == 0) co_await yield_now();
    };
  }

  static void expect_gone(const Borrowed& borrowed) {
    EXPECT_EQ(borrowed.running.load(), 0);
    EXPECT_EQ(borrowed.alive.load(), 0);
  }
  static int letters(const Borrowed& borrowed) {
    int sum = 0;
    for (int letter : borrowed.letters) sum += letter;
    return sum;
  }
};

INSTANTIATE_TEST_SUITE_P(Workers, GroupsStress, ::testing::Values(0, 1, 2, 4));

TEST_P(GroupsStress, ScopesThatEnd) {
  play_rounds([](uint64_t number) -> Task<> {
    Borrowed borrowed;
    auto body = body_of(borrowed, number);
    co_await scope(body);
    expect_gone(borrowed);
    EXPECT_EQ(letters(borrowed), borrowed.begun.load());
  });
}

TEST_P(GroupsStress, ScopesThatThrow) {
  play_rounds([](uint64_t number) -> Task<> {
    Borrowed borrowed;
    borrowed.throws = true;
    auto body = body_of(borrowed, number);
    try {
      co_await scope(body);
      EXPECT_EQ(letters(borrowed), borrowed.begun.load());
    } catch (const std::runtime_error&) {
    }
    expect_gone(borrowed);
  });
}

TEST_P(GroupsStress, ScopesThatAreDropped) {
  play_rounds([](uint64_t number) -> Task<> {
    Borrowed borrowed;
    borrowed.throws = number % 2 == 0;
    auto body = body_of(borrowed, number);
    const uint64_t turns = number / 512 % 6;
    auto wait = [turns]() -> Task<> {
      for (uint64_t i = 0; i < turns; ++i) co_await yield_now();
    };
    try {
      (void)co_await select_biased(scope(body), wait);
    } catch (const std::runtime_error&) {
    }
    expect_gone(borrowed);
    borrowed.letters.assign(16, -1);
  });
}

TEST_P(GroupsStress, ScopesThatAreAborted) {
  play_rounds([](uint64_t number) -> Task<> {
    Borrowed borrowed;
    auto body = body_of(borrowed, number);
    auto owner = spawn(scope(body));
    for (uint64_t i = 0; i < number / 512 % 6; ++i) co_await yield_now();
    auto outcome = co_await owner.abort_and_wait();
    expect_gone(borrowed);
    if (outcome.has_value()) {
      EXPECT_EQ(letters(borrowed), borrowed.begun.load());
    }
  });
}

Task<uint64_t> member(std::atomic<int>& alive, uint64_t number) {
  Counted here(alive);
  for (uint64_t i = 0; i < number % 4; ++i) co_await yield_now();
  if (number % 16 == 5) {
    co_await time::sleep(std::chrono::microseconds(number / 128 % 50));
  }
  if (number % 16 == 6) throw std::runtime_error("member");
  co_return number;
}

TEST_P(GroupsStress, SetsGiveEachOutcomeOnce) {
  play_rounds([](uint64_t number) -> Task<> {
    std::atomic<int> alive = 0;
    uint64_t expected = 0, sum = 0, thrown = 0;
    JoinSet<uint64_t> set;
    auto join = [&](JoinResult<uint64_t> outcome) {
      if (outcome.has_value()) {
        sum += *std::move(outcome);
      } else {
        EXPECT_NE(outcome.exception(), nullptr);
        ++thrown;
      }
    };
    for (uint64_t i = 0; i < 4 + number % 8; ++i) {
      const uint64_t one = Random(number + i)();
      if (one % 16 == 6) {
        --thrown;
      } else {
        expected += one;
      }
      set.spawn(member(alive, one));
      if (one % 5 == 0) {
        // Dropped if it has to wait, and nothing is lost.
        auto first = co_await select_biased(yield_now(), set.join_next());
        if (first.index() == 1) join(*std::get<1>(std::move(first)));
      }
      if (auto next = set.try_join_next()) join(*std::move(next));
    }
    while (auto next = co_await set.join_next()) join(*std::move(next));
    EXPECT_EQ(sum, expected);
    EXPECT_EQ(thrown, 0u);
    EXPECT_EQ(alive.load(), 0);
  });
}

TEST_P(GroupsStress, SetsThatAreDropped) {
  std::atomic<int> alive = 0;  // the tasks outlive their rounds
  play_rounds([&alive](uint64_t number) -> Task<> {
    JoinSet<uint64_t> set;
    for (uint64_t i = 0; i < 4 + number % 8; ++i) {
      set.spawn(member(alive, Random(number + i)()));
    }
    for (uint64_t i = 0; i < number / 512 % 4; ++i) co_await yield_now();
    if (number % 3 == 0) (void)co_await set.join_next();
    if (number % 5 == 0) set.detach_all();
  });
  EXPECT_EQ(alive.load(), 0);
}

}  // namespace
}  // namespace eddy
