// A pair of fences that orders stores before later loads, and puts the whole
// cost on one side: the idea of folly's asymmetric_thread_fence.
//
//   often, thread A           seldom, thread B
//   ----------------------    ----------------------
//   x.store(1, relaxed);      y.store(1, relaxed);
//   light_fence();            heavy_fence();
//   y.load(relaxed);          x.load(relaxed);
//
// At least one of the two sees the other's store. A light fence orders with
// heavy fences only, never with another light one.
//
// light_fence() is one load and no instruction of its own, as long as the
// kernel offers membarrier(2), with which heavy_fence() makes each running
// thread of this process execute a barrier; measure what that costs before you
// put it on a path (some microseconds, more in virtual machines). Where the
// kernel refuses, under ThreadSanitizer, and with -DEDDY_ASYMMETRIC_FENCE=0,
// both are a full fence.
//
// ThreadSanitizer knows nothing of these fences. They order single words; what
// lies behind a word is published by release and acquire on that word.
//
// Threads: any. A child of fork() inherits what its parent has registered.
// Errors:  the kernel decides once, at prepare_fences() or the first heavy
//          fence; if it takes membarrier away later, the process ends.
#ifndef EDDY_RUNTIME_BASE_ASYMMETRIC_FENCE_H_
#define EDDY_RUNTIME_BASE_ASYMMETRIC_FENCE_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/sanitizer.h"

#ifndef EDDY_ASYMMETRIC_FENCE
#define EDDY_ASYMMETRIC_FENCE 1
#endif

namespace eddy::base {

#if defined(__x86_64__)
// Any locked instruction is a full fence, and cheaper than the mfence that
// clang makes of atomic_thread_fence. This one changes nothing.
inline void full_fence() {
  __asm__ __volatile__("lock; orl $0, (%%rsp)" ::: "memory", "cc");
}
#else
inline void full_fence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
#endif

// Why light_fence() may trust a plain load of the mode. The mode leaves
// kUndecided once, and is final then. Light fences are full until it says
// kMembarrier. A heavy fence decides before it does anything, so there is no
// heavy fence without membarrier that a light one without a barrier could meet.
enum class FenceMode : uint8_t { kUndecided, kMembarrier, kFull };

#if EDDY_ASYMMETRIC_FENCE && !EDDY_TSAN
extern constinit std::atomic<FenceMode> fence_mode;

inline void light_fence() {
  if (fence_mode.load(std::memory_order_relaxed) == FenceMode::kMembarrier)
      [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // the compiler's part
  } else {
    full_fence();
  }
}

void heavy_fence();

// Decides, if nobody has: for the start of a runtime, so that light fences are
// light from then on.
FenceMode prepare_fences();
#else
inline void light_fence() { full_fence(); }
inline void heavy_fence() { full_fence(); }
inline FenceMode prepare_fences() { return FenceMode::kFull; }
#endif

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_ASYMMETRIC_FENCE_H_
