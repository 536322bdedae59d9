// Mutex<T>: a value that one task at a time may use, also across co_await.
//
//   eddy::sync::Mutex<Session> session;
//
//   eddy::Task<> renew() {
//     auto guard = co_await session.lock();   // waits without blocking
//     guard->token = co_await fetch_token();
//   }                                         // unlocked here
//
// Fair: whoever has waited longest is woken when the mutex is unlocked. Until
// that one is polled others may lock it; if it then finds the mutex locked, it
// is the next to have it, before all others. So the mutex does not lie unused
// while its next holder is on the way, and each turn takes a wake-up and one
// lock of a passer-by more, at most. Where nobody may pass, a Semaphore of one
// permit is strictly first come, first served.
//
// Lock and unlock are one atomic exchange each, and allocate nothing. A lock
// that is never held across a co_await is better an eddy::base::Mutex or
// std::mutex.
//
// Threads: any; a Guard belongs to one at a time. What was written under the
//          lock, the next holder sees.
// Cancel:  dropping a wait gives up its place; a lock that was on its way to it
//          goes to the next. A task that is cancelled unlocks with its Guards.
// Errors:  none. Locking twice in one task waits for ever.
// Owner:   outlives its waits and Guards, their destructors too: that the next
//          one has the lock does not say that the last one is over. An
//          OwnedGuard shares it instead. A wait may be moved until its first
//          poll.
#ifndef EDDY_SYNC_MUTEX_H_
#define EDDY_SYNC_MUTEX_H_

#include <memory>
#include <optional>
#include <utility>

#include "sync/blocking_wait.h"
#include "sync/lock_guard.h"
#include "sync/mutex_core.h"

namespace eddy::sync {

struct MutexHold {
  using Wait = MutexCore::Wait;
  static void release(MutexCore& core) { core.unlock(); }
};

template <class T>
class Mutex {
  using Shared = std::shared_ptr<MutexCore>;

 public:
  using Guard = LockGuard<T, MutexCore*, MutexHold>;
  using OwnedGuard = LockGuard<T, Shared, MutexHold>;
  using Lock = LockWait<T, MutexCore*, MutexHold>;  // a Future of a Guard
  using LockOwned = LockWait<T, Shared, MutexHold>;

  Mutex() {}
  explicit Mutex(T value) : value_(std::move(value)) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  Lock lock() { return {&core_, value_}; }
  // Empty if it is locked, or others wait.
  std::optional<Guard> try_lock() {
    if (!core_.try_lock()) return std::nullopt;
    return Guard(&core_, value_);
  }
  // On a thread that may block.
  Guard blocking_lock() { return blocking_wait(lock(), "blocking_lock()"); }

  // The same with guards that keep `mutex` alive.
  static LockOwned lock_owned(std::shared_ptr<Mutex> mutex) {
    T& value = mutex->value_;
    return {core_of(std::move(mutex)), value};
  }
  static std::optional<OwnedGuard> try_lock_owned(
      std::shared_ptr<Mutex> mutex) {
    if (!mutex->core_.try_lock()) return std::nullopt;
    T& value = mutex->value_;
    return OwnedGuard(core_of(std::move(mutex)), value);
  }

  // By who knows that nobody else has the mutex.
  T& get_unlocked() { return value_; }

 private:
  static Shared core_of(std::shared_ptr<Mutex> mutex) {
    MutexCore* core = &mutex->core_;
    return {std::move(mutex), core};
  }

  MutexCore core_;
  T value_{};
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_MUTEX_H_
