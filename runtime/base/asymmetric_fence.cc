#include "runtime/base/asymmetric_fence.h"

#if EDDY_ASYMMETRIC_FENCE && !EDDY_TSAN

#include <linux/membarrier.h>

#include "runtime/base/check.h"
#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

// Registration holds for the address space; to register again is harmless.
bool register_process() {
  return sys().membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool fence_all_threads() {
  return sys().membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

constinit std::atomic<FenceMode> fence_mode = FenceMode::kUndecided;

FenceMode prepare_fences() {
  FenceMode mode = fence_mode.load(std::memory_order_acquire);
  if (mode != FenceMode::kUndecided) return mode;
  // A trial, since a sandbox may allow the one and forbid the other.
  const bool works = register_process() && fence_all_threads();
  const FenceMode mine = works ? FenceMode::kMembarrier : FenceMode::kFull;
  // Of several threads that decide at once, the first one's word is final.
  fence_mode.compare_exchange_strong(mode, mine, std::memory_order_acq_rel);
  return fence_mode.load(std::memory_order_acquire);
}

void heavy_fence() {
  if (prepare_fences() == FenceMode::kFull) {
    full_fence();
    return;
  }
  if (fence_all_threads()) return;
  // Light fences have done without a barrier for long: there is no other way.
  EDDY_CHECK(register_process() && fence_all_threads(),
             "membarrier(2) worked and is now forbidden: apply the seccomp "
             "filter before the runtime is built, or build with "
             "-DEDDY_ASYMMETRIC_FENCE=0");
}

}  // namespace eddy::base

#endif
