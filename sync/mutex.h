// Mutex<T>: a value that one task at a time may use, also across co_await.
//
//   eddy::sync::Mutex<Session> session;
//
//   eddy::Task<> renew() {
//     auto guard = co_await session.lock();   // waits without blocking
//     guard->token = co_await fetch_token();
//   }                                         // unlocked here
//
// Fair: it goes to whoever has waited longest. Without waiters lock and unlock
// are one atomic exchange each, and allocate nothing. A lock that is never held
// across a co_await is better an eddy::base::Mutex or std::mutex.
//
// Threads: any; a Guard belongs to one at a time. What was written under the
//          lock, the next holder sees.
// Cancel:  dropping a wait gives up its place; a lock that was on its way to it
//          goes to the next. A task that is cancelled unlocks with its Guards.
// Errors:  none. Locking twice in one task waits for ever.
// Owner:   outlives its waits and Guards. An OwnedGuard shares it instead. A
// wait
//          may be moved until its first poll.
#ifndef EDDY_SYNC_MUTEX_H_
#define EDDY_SYNC_MUTEX_H_

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/semaphore_core.h"

namespace eddy::sync {

template <class T>
class Mutex;

// The right to use a U, until it ends. `Keeper` points at the mutex, plain or
// shared. U is the mutex's T, or a part of it.
template <class U, class Keeper>
class [[nodiscard]] MutexGuard {
 public:
  MutexGuard(Keeper core, U& value) : core_(std::move(core)), value_(&value) {}
  MutexGuard(MutexGuard&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), value_(other.value_) {}
  MutexGuard& operator=(MutexGuard other) noexcept {
    std::swap(core_, other.core_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~MutexGuard() {
    if (core_ != nullptr) core_->release(1);
  }

  U& operator*() const { return *value_; }
  U* operator->() const { return value_; }

  // The same lock, for a part of the value: `f(U&)` gives a reference into it.
  template <class F>
  auto map(F f) && {
    auto& part = f(*value_);
    return MutexGuard<std::remove_reference_t<decltype(part)>, Keeper>(
        std::exchange(core_, nullptr), part);
  }

 private:
  Keeper core_;  // null: moved from
  U* value_;
};

template <class T>
class Mutex {
 public:
  using Guard = MutexGuard<T, SemaphoreCore*>;
  using OwnedGuard = MutexGuard<T, std::shared_ptr<SemaphoreCore>>;
  // A Future of a guard.
  template <class Keeper>
  class BasicLock;
  using Lock = BasicLock<SemaphoreCore*>;
  using LockOwned = BasicLock<std::shared_ptr<SemaphoreCore>>;

  Mutex() : core_(1) {}
  explicit Mutex(T value) : core_(1), value_(std::move(value)) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  Lock lock() { return {&core_, value_}; }
  // Empty if it is locked, or others wait.
  std::optional<Guard> try_lock() {
    if (!core_.try_acquire(1)) return std::nullopt;
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
    if (!mutex->core_.try_acquire(1)) return std::nullopt;
    T& value = mutex->value_;
    return OwnedGuard(core_of(std::move(mutex)), value);
  }

  // By who knows that nobody else has the mutex.
  T& get_unlocked() { return value_; }

 private:
  static std::shared_ptr<SemaphoreCore> core_of(std::shared_ptr<Mutex> mutex) {
    SemaphoreCore* core = &mutex->core_;
    return {std::move(mutex), core};
  }

  SemaphoreCore core_;
  T value_{};
};

template <class T>
template <class Keeper>
class [[nodiscard]] Mutex<T>::BasicLock {
 public:
  using Output = MutexGuard<T, Keeper>;

  BasicLock(Keeper core, T& value)
      : core_(std::move(core)), value_(value), wait_(*core_, 1) {}
  BasicLock(BasicLock&&) = default;

  Poll<Output> poll(Context& cx) {
    if (wait_.poll(cx).is_pending()) return kPending;
    return Output(std::move(core_), value_);
  }

 private:
  Keeper core_;
  T& value_;
  SemaphoreCore::Wait wait_;  // ends before the mutex may
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_MUTEX_H_
