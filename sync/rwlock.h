// RwLock<T>: a value that many tasks may read, or one may write, also across
// co_await.
//
//   eddy::sync::RwLock<Config> config;
//
//   auto reading = co_await config.read();     // beside other readers
//   use(reading->limit);
//   ...
//   auto writing = co_await config.write();    // alone
//   writing->limit = 7;
//   auto reading = std::move(writing).downgrade();  // let others read, too
//
// Fair: who waits is served in the order of waiting. So a writer that waits
// keeps out the readers that come after it, and no reader starves behind
// writers. Without waiters lock and unlock are one atomic exchange each, and
// allocate nothing.
//
// Threads: any; a guard belongs to one at a time. What was written under the
//          lock, the next holders see.
// Cancel:  dropping a wait gives up its place; a lock that was on its way to it
//          goes to the next. A task that is cancelled unlocks with its guards.
// Errors:  none. A task that has a guard and waits for another may wait for
//          ever: also to read twice, when a writer came in between.
// Owner:   outlives its waits and guards. An owned guard shares it instead. A
//          wait may be moved until its first poll.
#ifndef EDDY_SYNC_RWLOCK_H_
#define EDDY_SYNC_RWLOCK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "sync/blocking_wait.h"
#include "sync/lock_guard.h"
#include "sync/semaphore_core.h"

namespace eddy::sync {

template <class T>
class RwLock {
  static constexpr uint64_t kAll = SemaphoreCore::kMaxPermits;
  using Shared = std::shared_ptr<SemaphoreCore>;

 public:
  using ReadGuard = LockGuard<const T, SemaphoreCore*, ReadHold>;
  using WriteGuard = LockGuard<T, SemaphoreCore*, WriteHold>;
  using OwnedReadGuard = LockGuard<const T, Shared, ReadHold>;
  using OwnedWriteGuard = LockGuard<T, Shared, WriteHold>;
  // Futures of those.
  using Read = LockWait<const T, SemaphoreCore*, ReadHold>;
  using Write = LockWait<T, SemaphoreCore*, WriteHold>;
  using ReadOwned = LockWait<const T, Shared, ReadHold>;
  using WriteOwned = LockWait<T, Shared, WriteHold>;

  RwLock() : core_(kAll) {}
  explicit RwLock(T value) : core_(kAll), value_(std::move(value)) {}
  RwLock(const RwLock&) = delete;
  RwLock& operator=(const RwLock&) = delete;

  Read read() { return {&core_, value_}; }
  Write write() { return {&core_, value_}; }
  // Empty if that would wait.
  std::optional<ReadGuard> try_read() {
    if (!core_.try_acquire(1)) return std::nullopt;
    return ReadGuard(&core_, value_);
  }
  std::optional<WriteGuard> try_write() {
    if (!core_.try_acquire(kAll)) return std::nullopt;
    return WriteGuard(&core_, value_);
  }
  // On a thread that may block.
  ReadGuard blocking_read() { return blocking_wait(read(), "blocking_read()"); }
  WriteGuard blocking_write() {
    return blocking_wait(write(), "blocking_write()");
  }

  // The same with guards that keep `lock` alive.
  static ReadOwned read_owned(std::shared_ptr<RwLock> lock) {
    T& value = lock->value_;
    return {core_of(std::move(lock)), value};
  }
  static WriteOwned write_owned(std::shared_ptr<RwLock> lock) {
    T& value = lock->value_;
    return {core_of(std::move(lock)), value};
  }

  static std::optional<OwnedReadGuard> try_read_owned(
      std::shared_ptr<RwLock> lock) {
    if (!lock->core_.try_acquire(1)) return std::nullopt;
    T& value = lock->value_;
    return OwnedReadGuard(core_of(std::move(lock)), value);
  }
  static std::optional<OwnedWriteGuard> try_write_owned(
      std::shared_ptr<RwLock> lock) {
    if (!lock->core_.try_acquire(kAll)) return std::nullopt;
    T& value = lock->value_;
    return OwnedWriteGuard(core_of(std::move(lock)), value);
  }

  // By who knows that nobody else has the lock.
  T& get_unlocked() { return value_; }

 private:
  static Shared core_of(std::shared_ptr<RwLock> lock) {
    SemaphoreCore* core = &lock->core_;
    return {std::move(lock), core};
  }

  SemaphoreCore core_;
  T value_{};
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_RWLOCK_H_
