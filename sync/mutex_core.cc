#include "sync/mutex_core.h"

#include "runtime/base/check.h"

namespace eddy::sync {

Poll<bool> MutexCore::poll_slowly(Wait& wait, Context& cx) {
  State state = wait.state_.load(kAcquire);  // [granted] acquire
  EDDY_DCHECK(state != State::kDone, "a lock is polled after it was ready");
  if (state != State::kGranted) {
    const Waker& waker = cx.waker();  // may be made now: not under the lock
    Waker old;                        // ends after it
    base::SpinLockHold hold(&queue_lock_);
    // relaxed: it changes under the lock.
    state = wait.state_.load(std::memory_order_relaxed);
    if (state == State::kNew) state = lock_or_announce();
    if (state == State::kWoken) state = lock_or_reserve();
    if (state != State::kGranted) {
      old = waiters_.push_or_update(wait, waker);
      wait.state_.store(state, std::memory_order_relaxed);
      return kPending;
    }
  }
  wait.state_.store(State::kDone, std::memory_order_relaxed);
  cx.spend();
  return true;
}

MutexCore::State MutexCore::lock_or_announce() {
  uint32_t now = word_.load(kAcquire);
  for (;;) {
    const bool is_free = (now & (kLocked | kReserved)) == 0;
    // Who waits already has said so.
    if (!is_free && (now & kWaiters) != 0) return State::kWaiting;
    const uint32_t next = is_free ? now | kLocked : now | kWaiters | kDue;
    // [lock] acquire
    if (word_.compare_exchange_weak(now, next, kAcqRel, kAcquire)) {
      return is_free ? State::kGranted : State::kWaiting;
    }
  }
}

MutexCore::State MutexCore::lock_or_reserve() {
  uint32_t now = word_.load(kAcquire);
  for (;;) {
    const bool is_free = (now & kLocked) == 0;
    const uint32_t next =
        is_free ? locked_without_first() : now | kReserved | kDue;
    // [lock] acquire
    if (!word_.compare_exchange_weak(now, next, kAcqRel, kAcquire)) continue;
    if (!is_free) return State::kNext;
    (void)waiters_.remove(*waiters_.front());  // its waker has been used
    return State::kGranted;
  }
}

void MutexCore::see_to_queue() {
  Waker called;  // woken after the lock
  {
    base::SpinLockHold hold(&queue_lock_);
    const uint32_t now = word_.load(kAcquire);
    if ((now & kDue) == 0) return;  // another has
    auto& first = static_cast<Wait&>(*waiters_.front());
    if ((now & kReserved) == 0) {
      word_.fetch_and(~kDue, kAcqRel);
      called = call(first);
    } else if ((now & kLocked) == 0) {
      // Nobody else may lock it: the word is ours. [lock] acquire
      word_.exchange(locked_without_first(), kAcqRel);
      called = waiters_.remove(first);
      // [granted] release: `first` may be gone from here on
      first.state_.store(State::kGranted, std::memory_order_release);
    }
  }
  std::move(called).wake();
}

Waker MutexCore::call(Wait& first) {
  first.state_.store(State::kWoken, std::memory_order_relaxed);
  return waiters_.take_waker(first);
}

void MutexCore::end_wait(Wait& wait) {
  Waker old, called;  // after the lock
  bool is_locked = false;
  {
    base::SpinLockHold hold(&queue_lock_);
    const State state = wait.state_.load(std::memory_order_relaxed);
    if (state == State::kGranted) {
      is_locked = true;
    } else {
      old = waiters_.remove(wait);
      WaitNode* next = waiters_.front();
      const uint32_t past = (state == State::kNext ? kReserved : 0) |
                            (next == nullptr ? kWaiters | kDue : 0);
      if (past != 0) word_.fetch_and(~past, kAcqRel);
      if (state == State::kWoken && next != nullptr) {
        called = call(static_cast<Wait&>(*next));
      }
    }
  }
  std::move(called).wake();
  if (is_locked) unlock();
}

}  // namespace eddy::sync
