// What ThreadSanitizer is told where the kernel is the other side: a record
// that is handed over is released, and acquired when it comes back, though the
// thread that gets it may not be the one that gave it. Nothing in other builds.
#ifndef EDDY_REACTOR_URING_HAND_OVER_H_
#define EDDY_REACTOR_URING_HAND_OVER_H_

#include "runtime/base/sanitizer.h"

#if EDDY_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace eddy::reactor {

// [kernel] release
inline void hand_to_kernel([[maybe_unused]] void* record) {
#if EDDY_TSAN
  __tsan_release(record);
#endif
}

// [kernel] acquire
inline void take_from_kernel([[maybe_unused]] void* record) {
#if EDDY_TSAN
  __tsan_acquire(record);
#endif
}

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_HAND_OVER_H_
