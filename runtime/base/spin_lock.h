// SpinLock and SpinLockHold: a lock for what takes a few instructions, and
// whose users hardly ever meet. Its end is a store, so that lock and unlock
// take half of what those of a Mutex do.
//
//   SpinLock lock_;
//   int depth_ ABSL_GUARDED_BY(lock_) = 0;
//   ...
//   SpinLockHold hold(&lock_);
//   ++depth_;
//
// Who finds it held spins for about a microsecond, and then yields the CPU,
// over and over, since the holder may have lost his. So nothing that waits,
// allocates or runs foreign code belongs under it; for all that there is Mutex.
//
// Threads: any. The thread that locks unlocks.
// Owner:   outlives all calls on it.
#ifndef EDDY_RUNTIME_BASE_SPIN_LOCK_H_
#define EDDY_RUNTIME_BASE_SPIN_LOCK_H_

#include <atomic>

#include "absl/base/thread_annotations.h"

namespace eddy::base {

class ABSL_LOCKABLE SpinLock {
 public:
  constexpr SpinLock() = default;
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    // [held] acquire
    if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]] {
      lock_slowly();
    }
  }
  void unlock() ABSL_UNLOCK_FUNCTION() {
    held_.store(false, std::memory_order_release);  // [held]
  }

 private:
  void lock_slowly();

  std::atomic<bool> held_{false};
};

class ABSL_SCOPED_LOCKABLE SpinLockHold {
 public:
  explicit SpinLockHold(SpinLock* lock) ABSL_EXCLUSIVE_LOCK_FUNCTION(lock)
      : lock_(*lock) {
    lock_.lock();
  }
  SpinLockHold(const SpinLockHold&) = delete;
  SpinLockHold& operator=(const SpinLockHold&) = delete;
  ~SpinLockHold() ABSL_UNLOCK_FUNCTION() { lock_.unlock(); }

 private:
  SpinLock& lock_;
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_SPIN_LOCK_H_
