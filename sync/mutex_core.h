// The part of a Mutex that knows nothing of its value: one word, and a queue of
// those who wait.
//
//   bit   0       1    2         3
//         LOCKED  DUE  RESERVED  WAITERS
//
// WAITERS: the queue is not empty. DUE: unlock() must see to the queue.
// RESERVED: the lock is for the first in the queue only. All but LOCKED change
// under the spin lock, which guards the queue.
//
//   from        by               to                   the caller must
//   ----------  ---------------  -------------------  -------------------------
//   0           try_lock()       LOCKED               -
//   not LOCKED  lock()           LOCKED               -
//    or RESERVED
//   LOCKED      lock(), queued   WAITERS, and DUE if  link its node
//                                it is the first
//   LOCKED      unlock()         ~LOCKED              see to the queue if DUE
//   DUE         see to queue     ~DUE                 wake the first, who stays
//                                                     in the queue: WOKEN
//   WAITERS     poll of WOKEN    LOCKED, and DUE if   unlink its node
//                                more wait
//   LOCKED      poll of WOKEN    RESERVED, DUE        wait on: it is NEXT
//   RESERVED    see to queue     LOCKED, ~RESERVED,   unlink the first, which
//                                DUE if more wait     has the lock, and wake it
//
// So from unlock() until the woken one is polled, whoever runs may have the
// lock. To hand it over at once would let it lie unused for all that time: a
// hundred tasks that share a lock for moments would pay a wake-up and a poll
// for each of these, instead of once in a while. What fairness needs is that
// this happens to a waiter once only; then it is NEXT, and nobody is before it.
//
// At most one is WOKEN or NEXT, and that is the first. While it is WOKEN
// nothing is DUE: it will be polled, or dropped, and then sees to the rest.
//
// A node that was given the lock reads so in its own state, without the spin
// lock, and may be gone right afterwards: the state is the last thing that is
// written to it.
//
// Memory order: every edge of the word is an acq_rel read-modify-write.
//   [lock]    unlock() -> lock(), or see to queue -> [granted] -> poll: what
//             was written under the lock, the next one sees.
//   [granted] see to queue -> poll, end of the wait: the node is free.
//
// Threads: any. A Wait belongs to one task.
// Owner:   outlives its Waits and every call in progress: an unlock() may not be
//          over when the next one has the lock already.
#ifndef EDDY_SYNC_MUTEX_CORE_H_
#define EDDY_SYNC_MUTEX_CORE_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"

namespace eddy::sync {

class MutexCore {
 public:
  class Wait;

  MutexCore() {}
  MutexCore(const MutexCore&) = delete;
  MutexCore& operator=(const MutexCore&) = delete;

  // False if it is locked, or others wait.
  [[nodiscard]] bool try_lock() {
    uint32_t free = 0;
    return word_.compare_exchange_strong(free, kLocked, kAcqRel,
                                         std::memory_order_relaxed);
  }

  void unlock() {
    // [lock] release
    if ((word_.fetch_sub(kLocked, kAcqRel) & kDue) != 0) [[unlikely]] {
      see_to_queue();
    }
  }

 private:
  // Of a Wait. Up to kDone it is in no queue, and has nothing to give back.
  enum class State : uint8_t { kNew, kDone, kWaiting, kWoken, kNext, kGranted };
  static constexpr uint32_t kLocked = 1, kDue = 2, kReserved = 4, kWaiters = 8;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  // Past those who wait, unless it is for one of them.
  bool try_lock_first() {
    // relaxed: an exchange follows, or nothing is read.
    uint32_t now = word_.load(std::memory_order_relaxed);
    while ((now & (kLocked | kReserved)) == 0) {
      if (word_.compare_exchange_weak(now, now | kLocked, kAcqRel,
                                      std::memory_order_relaxed)) {
        return true;  // [lock] acquire
      }
    }
    return false;
  }
  Poll<bool> poll_slowly(Wait& wait, Context& cx);
  // Of one that is new: it has the lock, or is to be linked.
  State lock_or_announce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);
  // Of the one that was woken: it has the lock, or is the next to have it.
  State lock_or_reserve() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);
  void see_to_queue();
  // The first is to be woken, and stays in the queue.
  Waker call(Wait& first) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);
  void end_wait(Wait& wait);
  // The word once the first has the lock, and is in the queue no more.
  uint32_t locked_without_first() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_) {
    return waiters_.front() == waiters_.back() ? kLocked
                                               : kLocked | kWaiters | kDue;
  }

  std::atomic<uint32_t> word_{0};
  base::SpinLock queue_lock_;
  WaitList waiters_ ABSL_GUARDED_BY(queue_lock_);
};

// A Future of bool, which is always true: the caller has the lock. Dropped, it
// gives up its place, and a lock that was on its way to it goes to the next.
// May be moved until its first poll.
class [[nodiscard]] MutexCore::Wait : private WaitNode {
 public:
  using Output = bool;

  explicit Wait(MutexCore& core) : core_(core) {}
  Wait(Wait&& other) noexcept
      : WaitNode(std::move(other)), core_(other.core_) {}
  ~Wait() {
    // relaxed: up to kDone the state is this thread's own.
    if (state_.load(std::memory_order_relaxed) > State::kDone) {
      core_.end_wait(*this);
    }
  }

  Poll<bool> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    // relaxed: kNew is this thread's own.
    if (state_.load(std::memory_order_relaxed) == State::kNew &&
        core_.try_lock_first()) [[likely]] {
      state_.store(State::kDone, std::memory_order_relaxed);
      cx.spend();
      return true;
    }
    return core_.poll_slowly(*this, cx);
  }

 private:
  friend class MutexCore;

  MutexCore& core_;
  std::atomic<State> state_{State::kNew};
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_MUTEX_CORE_H_
