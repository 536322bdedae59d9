#include "sync/version.h"

#include <utility>

namespace eddy::sync {

Poll<bool> Version::poll_slowly(Wait& wait, uint64_t seen, Context& cx) {
  const Waker& waker = cx.waker();  // may be made now: not under the lock
  Waker old, replaced;              // end after it
  base::SpinLockHold hold(&lock_);
  // It may stand where it waited for an earlier number.
  if (wait.is_linked() && wait.seen_ != seen) old = waiters_.remove(wait);
  uint64_t now = word_.load(kAcquire);
  do {
    if (now / kStep != seen || (now & kClosed) != 0) {
      if (wait.is_linked()) old = waiters_.remove(wait);
      // relaxed: it is not linked, and nobody else's any more.
      wait.waits_.store(false, std::memory_order_relaxed);
      cx.spend();
      return now / kStep != seen;
    }
  } while (
      (now & kWaiters) == 0 &&
      !word_.compare_exchange_weak(now, now | kWaiters, kAcqRel, kAcquire));
  wait.seen_ = seen;
  wait.waits_.store(true, std::memory_order_relaxed);
  replaced = waiters_.push_or_update(wait, waker);
  return kPending;
}

void Version::end_wait(Wait& wait) {
  Waker old;  // ends after the lock
  base::SpinLockHold hold(&lock_);
  old = waiters_.remove(wait);
  wait.waits_.store(false, std::memory_order_relaxed);
}

bool Version::take_due(WakerBatch& batch) {
  const uint64_t now = word_.load(kAcquire);
  while (WaitNode* node = waiters_.front()) {
    auto& wait = static_cast<Wait&>(*node);
    if (wait.seen_ == now / kStep && (now & kClosed) == 0) return false;
    if (batch.is_full()) return true;
    batch.add(waiters_.remove(wait));
    // [woken] release: `wait` may be gone from here on
    wait.waits_.store(false, std::memory_order_release);
  }
  word_.fetch_and(~kWaiters, kAcqRel);
  return false;
}

void Version::wake_waiters() {
  WakerBatch batch;
  for (bool more = true; more; batch.wake_all()) {
    base::SpinLockHold hold(&lock_);
    more = take_due(batch);
  }
}

}  // namespace eddy::sync
