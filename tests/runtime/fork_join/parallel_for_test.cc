// parallel_for() on every flavor.

#include "runtime/fork_join/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <vector>

#include "runtime/handle.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

class ParallelForTest : public testing::FlavorTest {
 protected:
  template <class Make>
  void everywhere(Make make) {
    runtime().block_on(make());
    auto handle = runtime().spawn(make());
    runtime().block_on(std::move(handle)).value();
  }
};
EDDY_FOR_EACH_FLAVOR(ParallelForTest);

// How often each index of [0, count) was visited, and nothing else.
class Visits {
 public:
  explicit Visits(std::size_t count) : visits_(count) {}
  void visit(std::size_t i) { visits_.at(i).fetch_add(1); }
  void expect_each_once() {
    for (std::size_t i = 0; i < visits_.size(); ++i) {
      EXPECT_EQ(visits_[i].exchange(0), 1) << "index " << i;
    }
  }

 private:
  std::vector<std::atomic<int>> visits_;
};

TEST_P(ParallelForTest, VisitsEachIndexOnce) {
  everywhere([]() -> Task<> {
    for (std::size_t count : {0, 1, 7, 64, 1000}) {
      Visits visits(count);
      auto visit = [&](std::size_t i) { visits.visit(i); };
      for (std::size_t grain : {1, 3, 64, 5000}) {
        co_await parallel_for(std::size_t{0}, count, grain, visit);
        visits.expect_each_once();
      }
    }
  });
}

TEST_P(ParallelForTest, OverPieces) {
  everywhere([]() -> Task<> {
    Visits visits(1000);
    auto visit = [&](std::size_t begin, std::size_t end) {
      EXPECT_LE(end - begin, 7u);
      for (; begin < end; ++begin) visits.visit(begin);
    };
    co_await parallel_for(std::size_t{0}, std::size_t{1000}, 7, visit);
    visits.expect_each_once();
  });
}

TEST_P(ParallelForTest, IterationsThatAwait) {
  everywhere([]() -> Task<> {
    Visits visits(500);
    auto visit = [&](std::size_t i) -> Task<> {
      if (i % 5 == 0) co_await yield_now();
      visits.visit(i);
    };
    co_await parallel_for(std::size_t{0}, std::size_t{500}, 3, visit);
    visits.expect_each_once();
    auto visit_all = [&](std::size_t begin, std::size_t end) -> Task<> {
      for (; begin < end; ++begin) co_await visit(begin);
    };
    co_await parallel_for(std::size_t{0}, std::size_t{500}, 9, visit_all);
    visits.expect_each_once();
  });
}

TEST_P(ParallelForTest, OfSignedAndExtremeBounds) {
  everywhere([]() -> Task<> {
    std::atomic<int64_t> sum{0};
    auto add = [&](int i) { sum += i; };
    co_await parallel_for(-10, 11, 2, add);
    EXPECT_EQ(sum, 0);
    co_await parallel_for(5, -5, 2, add);  // empty
    EXPECT_EQ(sum, 0);
    using Limits = std::numeric_limits<int64_t>;
    std::atomic<uint64_t> length{0};
    auto measure = [&](int64_t begin, int64_t end) {
      length += static_cast<uint64_t>(end) - static_cast<uint64_t>(begin);
    };
    co_await parallel_for(Limits::min(), Limits::max(), std::size_t{1} << 60,
                          measure);
    EXPECT_EQ(length, std::numeric_limits<uint64_t>::max());
  });
}

// H1: however many slices end, what is left of a range is one entry of the run
// queue. Were each of the pieces that it was cut into one, they would multiply,
// and a task beside them wait for a slice of each.
TEST_P(ParallelForTest, WhatASliceLeavesIsOneEntry) {
  if (!is_current_thread()) GTEST_SKIP() << "others steal pieces";
  std::atomic<bool> ended{false};
  uint64_t most = 0;
  auto beside = runtime().spawn([&]() -> Task<> {
    const Handle handle = Handle::current();
    uint64_t before = handle.metrics().scheduler.polls;
    while (!ended.load()) {
      co_await yield_now();
      const uint64_t now = handle.metrics().scheduler.polls;
      most = std::max(most, now - before);
      before = now;
    }
  });
  auto range = runtime().spawn([&]() -> Task<> {
    auto spin = [](std::size_t) {
      using Clock = std::chrono::steady_clock;
      const auto end = Clock::now() + std::chrono::microseconds(10);
      while (Clock::now() < end) {
      }
    };
    co_await parallel_for(std::size_t{0}, std::size_t{5000}, 1, spin);
    ended.store(true);
  });
  runtime().block_on(std::move(range)).value();
  runtime().block_on(std::move(beside)).value();
  std::printf("at most %llu turns from one to the next\n",
              static_cast<unsigned long long>(most));
  EXPECT_LE(most, 3u);
}

TEST_P(ParallelForTest, AnExceptionEndsItsPieceAlone) {
  everywhere([]() -> Task<> {
    std::atomic<int> runs{0};
    auto run = [&](int i) {
      if (i == 25) throw std::runtime_error("iteration");
      ++runs;
    };
    EXPECT_THROW(co_await parallel_for(0, 100, 10, run), std::runtime_error);
    EXPECT_EQ(runs, 95);  // all but 25 to 29
  });
}

}  // namespace
}  // namespace eddy
