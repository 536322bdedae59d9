// LockGuard and LockWait: what Mutex and RwLock give to those who lock: a hold
// on the core of the lock, and a reference to what it protects.
//
// A Hold says what kind of a hold it is. It has `Wait`, the future of one that
// takes the core, and `static void release(Core&)`.
//
// Threads: a guard belongs to one at a time.
// Cancel:  dropping a LockWait gives up its place; a lock that was on its way
//          to it goes to the next.
// Owner:   `Keeper` is a pointer to the core, plain or shared: with a
//          shared one the guard keeps the lock and its value alive.
#ifndef EDDY_SYNC_LOCK_GUARD_H_
#define EDDY_SYNC_LOCK_GUARD_H_

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/task/cursor.h"
#include "runtime/task/future.h"
#include "sync/semaphore_core.h"
#include "sync/step_awaiter.h"

namespace eddy::sync {

// A number of the permits of a semaphore.
template <uint64_t kPermits>
struct PermitsHold {
  struct Wait : SemaphoreCore::Wait {
    explicit Wait(SemaphoreCore& core) : SemaphoreCore::Wait(core, kPermits) {}
  };
  static void release(SemaphoreCore& core) { core.release(kPermits); }
};
// A reader has one, a writer all of them.
using ReadHold = PermitsHold<1>;
using WriteHold = PermitsHold<SemaphoreCore::kMaxPermits>;

// The right to use a U, the value of a lock or a part of it, until it ends.
template <class U, class Keeper, class Hold>
class [[nodiscard]] LockGuard {
 public:
  LockGuard(Keeper core, U& value) : core_(std::move(core)), value_(&value) {}
  LockGuard(LockGuard&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), value_(other.value_) {}
  LockGuard& operator=(LockGuard other) noexcept {
    std::swap(core_, other.core_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~LockGuard() {
    if (core_ != nullptr) Hold::release(*core_);
  }

  U& operator*() const { return *value_; }
  U* operator->() const { return value_; }

  // The same lock, for a part of the value: `f(U&)` gives a reference into it.
  template <class F>
  auto map(F f) && {
    auto& part = f(*value_);
    return LockGuard<std::remove_reference_t<decltype(part)>, Keeper, Hold>(
        std::exchange(core_, nullptr), part);
  }

  // Of a write lock: lets other readers in, and no writer before them.
  auto downgrade() && {
    static_assert(std::is_same_v<Hold, WriteHold>,
                  "only a write lock can be downgraded");
    core_->release(SemaphoreCore::kMaxPermits - 1);
    return LockGuard<const U, Keeper, ReadHold>(std::exchange(core_, nullptr),
                                                *value_);
  }

 private:
  Keeper core_;  // null: moved from
  U* value_;
};

// A Future of a LockGuard. May be moved until its first poll.
template <class U, class Keeper, class Hold>
class [[nodiscard]] LockWait {
 public:
  using Output = LockGuard<U, Keeper, Hold>;

  LockWait(Keeper core, U& value)
      : core_(std::move(core)), value_(value), wait_(*core_) {}
  LockWait(LockWait&&) = default;

  Poll<Output> poll(Context& cx) {
    if (!step(cx)) return kPending;
    return take();
  }

  // See StepAwaiter. Nobody closes the core of a lock.
  auto await_in(task::PromiseBase& frame) {
    return StepAwaiter<LockWait>(*this, frame);
  }
  bool step(Context& cx) noexcept { return wait_.poll(cx).is_ready(); }
  Output take() { return Output(std::move(core_), value_); }

 private:
  Keeper core_;
  U& value_;
  typename Hold::Wait wait_;  // ends before the lock may
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_LOCK_GUARD_H_
