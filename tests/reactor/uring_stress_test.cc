// Property: of many operations that many tasks submit and drop at any moment,
// from all workers, through a ring that is always full, each ends once: its
// future has the result, or its record discarded it. In the end no record lives
// and the ring is quiet.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "reactor/operation.h"
#include "reactor/submission.h"
#include "runtime/base/random.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/reactor/operations.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using base::Random;
using testing::FlavorTest;
using testing::WakeCounter;

class UringStress : public FlavorTest {
 protected:
  void TearDown() override {
    FlavorTest::TearDown();
    EXPECT_EQ(ledger_.alive(), 0);
  }

  Submission<Nop> nop(Random& random) {
    auto record = std::make_unique<Nop>(ledger_);
    record->force_async = random() % 8 == 0;
    return Submission<Nop>(std::move(record),
                           random() % 16 == 0 ? Prefer::kPool : Prefer::kRing);
  }

  Ledger ledger_;
};
INSTANTIATE_TEST_SUITE_P(Flavors, UringStress, ::testing::Values(0u, 2u, 4u),
                         testing::flavor_name);

TEST_P(UringStress, EachOperationEndsOnce) {
  constexpr int kTasks = 16;
  const uint64_t seed = testing::stress_seed();
  const uint64_t rounds = testing::number_from_env(
      "EDDY_ROUNDS", EDDY_TSAN || EDDY_ASAN ? 100 : 800);
  Runtime& ring = start(builder(GetParam()).io_uring_sizes(8, 8));
  struct Counts {
    uint64_t taken = 0;
    uint64_t dropped = 0;  // after the first poll
  };
  auto play = [&](uint64_t me) -> Task<Counts> {
    Random random(seed + me);
    Counts counts;
    for (uint64_t round = 0; round < rounds; ++round) {
      if (random() % 2 == 0) {
        EXPECT_EQ(co_await nop(random), 0);
        ++counts.taken;
        continue;
      }
      // By hand, some polls long.
      WakeCounter waker;
      Submission<Nop> pending = nop(random);
      bool is_taken = false;
      for (uint64_t polls = 1 + random() % 4; polls > 0 && !is_taken; --polls) {
        is_taken = pending.poll(waker.context()).is_ready();
        if (random() % 2 == 0) co_await yield_now();
      }
      ++(is_taken ? counts.taken : counts.dropped);
    }
    co_return counts;
  };
  auto all = [&]() -> Task<Counts> {
    std::vector<JoinHandle<Counts>> handles;
    for (uint64_t i = 0; i < kTasks; ++i) handles.push_back(spawn(play(i)));
    Counts sum;
    for (auto& handle : handles) {
      const Counts counts = (co_await handle).value();
      sum.taken += counts.taken;
      sum.dropped += counts.dropped;
    }
    while (ledger_.alive() > 0) co_await yield_now();
    co_return sum;
  };
  const Counts sum = ring.block_on(all);
  EXPECT_EQ(sum.taken + sum.dropped, kTasks * rounds);
  EXPECT_EQ(static_cast<uint64_t>(ledger_.discarded.load()), sum.dropped);
  EXPECT_EQ(ring.metrics().reactor.io_uring.in_flight, 0u);
}

}  // namespace
}  // namespace eddy::reactor
