#include "runtime/base/asymmetric_fence.h"

#include <gtest/gtest.h>
#include <linux/membarrier.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/base/sanitizer.h"
#include "tests/support/fault_injector.h"

namespace eddy::base {
namespace {

using testing::always;
using testing::Call;
using testing::FaultInjector;
using testing::nth;

#if EDDY_ASYMMETRIC_FENCE && !EDDY_TSAN

// The decision is made once in a process, so each test has one of its own.
class AsymmetricFenceDeathTest : public ::testing::Test {
 protected:
  AsymmetricFenceDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static void exit_if(bool right) { std::_Exit(right ? 0 : 1); }
};

TEST_F(AsymmetricFenceDeathTest, HeavyFenceDecidesAndUsesMembarrier) {
  auto body = [] {
    FaultInjector faults;
    faults.hook<Call::kMembarrier>([](int, unsigned, int) { return 0; });
    heavy_fence();
    heavy_fence();
    light_fence();
    exit_if(fence_mode.load() == FenceMode::kMembarrier &&
            faults.calls(Call::kMembarrier) == 4);
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(0), "");
}

TEST_F(AsymmetricFenceDeathTest, RefusedRegistrationMeansFullFences) {
  auto body = [] {
    FaultInjector faults;
    faults.fail(Call::kMembarrier, always(), ENOSYS);
    const FenceMode mode = prepare_fences();
    heavy_fence();
    light_fence();
    exit_if(mode == FenceMode::kFull && faults.calls(Call::kMembarrier) == 1);
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(0), "");
}

TEST_F(AsymmetricFenceDeathTest, RefusedTrialMeansFullFences) {
  auto body = [] {
    FaultInjector faults;
    faults.hook<Call::kMembarrier>([](int, unsigned, int) { return 0; });
    faults.fail(Call::kMembarrier, nth(2), EPERM);
    exit_if(prepare_fences() == FenceMode::kFull);
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(0), "");
}

TEST_F(AsymmetricFenceDeathTest, LostRegistrationIsRenewed) {
  auto body = [] {
    FaultInjector faults;
    faults.hook<Call::kMembarrier>([](int, unsigned, int) { return 0; });
    prepare_fences();
    faults.fail(Call::kMembarrier, nth(1), EPERM);
    heavy_fence();
    exit_if(faults.calls(Call::kMembarrier) == 5);
  };
  EXPECT_EXIT(body(), ::testing::ExitedWithCode(0), "");
}

TEST_F(AsymmetricFenceDeathTest, MembarrierTakenAwayIsFatal) {
  auto body = [] {
    FaultInjector faults;
    faults.hook<Call::kMembarrier>([](int, unsigned, int) { return 0; });
    prepare_fences();
    faults.fail(Call::kMembarrier, always(), EPERM);
    heavy_fence();
  };
  EXPECT_DEATH(body(), "apply the seccomp filter before");
}

// F2: a child may go on with what the parent has registered.
TEST_F(AsymmetricFenceDeathTest, ChildOfForkInheritsTheRegistration) {
  const FenceMode mode = prepare_fences();
  const pid_t child = fork();
  if (child == 0) {
    heavy_fence();
    exit_if(fence_mode.load() == mode);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

#endif

TEST(AsymmetricFence, AnswersTheSameEachTime) {
  const FenceMode mode = prepare_fences();
  EXPECT_NE(mode, FenceMode::kUndecided);
  heavy_fence();
  light_fence();
  EXPECT_EQ(prepare_fences(), mode);
}

}  // namespace
}  // namespace eddy::base
