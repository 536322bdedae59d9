// Mutex, MutexLock and CondVar: the runtime's locks.
//
//   Mutex mu_;
//   int depth_ ABSL_GUARDED_BY(mu_) = 0;
//   ...
//   MutexLock lock(&mu_);
//   while (depth_ == 0) changed_.wait(mu_);
//
// A Mutex is a std::mutex that Clang's thread safety analysis knows, by
// Abseil's annotations. It is no absl::Mutex, since that of Debian 12 takes 40
// ns for lock and unlock where this takes 13, and is not instrumented, so that
// ThreadSanitizer would take all that it protects for a race.
//
// Threads: any. The thread that locks unlocks.
// Owner:   a Mutex or CondVar outlives all calls on it.
#ifndef EDDY_RUNTIME_BASE_MUTEX_H_
#define EDDY_RUNTIME_BASE_MUTEX_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace eddy::base {

class ABSL_LOCKABLE Mutex {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mu_.lock(); }

  [[nodiscard]] bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mu_.try_lock();
  }

  void unlock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  std::mutex mu_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(*mu) {
    mu_.lock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_.unlock(); }

 private:
  Mutex& mu_;
};

// A condition variable: a word that counts notifications, as a futex. It goes
// through the seam, and knows deadlines of the steady clock.
//
// What is waited for changes under the mutex; notify_one() and notify_all() may
// be called after it was released. A wait may end for no reason, so it is the
// body of a loop that looks at the condition.
class CondVar {
 public:
  using Clock = std::chrono::steady_clock;

  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void wait(Mutex& mu) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // False once the deadline has passed: look at the condition once more.
  // Clock::time_point::max() is never.
  bool wait_until(Mutex& mu, Clock::time_point deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  void notify_one() { notify(1); }
  void notify_all() { notify(kAll); }

 private:
  static constexpr int kAll = INT32_MAX;

  void notify(int count);

  std::atomic<uint32_t> notifications_{0};
  std::atomic<uint32_t> waiters_{0};  // changes under the mutex only
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_MUTEX_H_
