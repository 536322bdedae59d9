// Property: a store before a light fence that a thread behind its heavy fence
// does not see is followed by a load that sees what was stored before the heavy
// fence.
//
// One thread counts x up as fast as it can, and notes what it sees in y after
// each step; the other counts y up, and notes what it sees in x. Nothing holds
// the two together, and all is relaxed: the only order is that of the fences.
//
// Planted faults, each of which fails this test at -O2 on x86-64 with two cores
// (g++ -O0 makes a locked instruction of every store):
//   heavy_fence() does nothing
//   heavy_fence() is a full fence, while light_fence() is none
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "runtime/base/asymmetric_fence.h"

namespace eddy::base {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

struct alignas(128) Word {
  std::atomic<uint32_t> value{0};
};

TEST(AsymmetricFence, OneOfTheTwoSeesTheOther) {
  constexpr uint32_t kSteps = 5'000'000;
  static Word x, y;
  std::vector<uint32_t> y_after(kSteps + 1);  // step of x -> the y that it saw
  std::vector<uint32_t> x_after{0};           // step of y -> the x that it saw
  prepare_fences();

  std::thread light([&] {
    for (uint32_t step = 1; step <= kSteps; ++step) {
      x.value.store(step, kRelaxed);
      light_fence();
      y_after[step] = y.value.load(kRelaxed);
    }
  });
  while (x_after.back() < kSteps) {
    y.value.store(static_cast<uint32_t>(x_after.size()), kRelaxed);
    heavy_fence();
    x_after.push_back(x.value.load(kRelaxed));
  }
  light.join();

  int missed = 0;
  for (uint32_t step = 1; step < x_after.size(); ++step) {
    const uint32_t unseen = x_after[step] + 1;
    if (unseen <= kSteps && y_after[unseen] < step) ++missed;
  }
  EXPECT_EQ(missed, 0) << "of " << x_after.size() << " heavy fences";
}

}  // namespace
}  // namespace eddy::base
