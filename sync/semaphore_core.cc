#include "sync/semaphore_core.h"

#include <algorithm>
#include <utility>

#include "runtime/base/check.h"

namespace eddy::sync {

Poll<bool> SemaphoreCore::poll_slowly(Wait& wait, Context& cx) {
  State state = wait.state_.load(kAcquire);  // [granted] acquire
  EDDY_DCHECK(state != State::kDone, "an acquire is polled after it was ready");
  if (state == State::kNew || state == State::kWaiting) {
    const Waker& waker = cx.waker();  // may be made now: not under the lock
    Waker old;                        // ends after it
    base::SpinLockHold hold(&queue_lock_);
    // relaxed: it changes under the lock.
    state = wait.state_.load(std::memory_order_relaxed);
    if (state == State::kNew) state = acquire_or_announce(wait.count_);
    if (state == State::kWaiting) {
      old = waiters_.push_or_update(wait, waker);
      wait.state_.store(State::kWaiting, std::memory_order_relaxed);
      return kPending;
    }
  }
  wait.state_.store(State::kDone, std::memory_order_relaxed);
  cx.spend();
  return state == State::kGranted;
}

SemaphoreCore::State SemaphoreCore::acquire_or_announce(uint64_t count) {
  uint64_t now = word_.load(kAcquire);
  for (;;) {
    if ((now & kClosed) != 0) return State::kClosed;
    if ((now & kWaiters) != 0) return State::kWaiting;
    const bool enough = now >= count * kPermit;
    const uint64_t next = enough ? now - count * kPermit : now | kWaiters;
    // [permit] acquire
    if (word_.compare_exchange_weak(now, next, kAcqRel, kAcquire)) {
      return enough ? State::kGranted : State::kWaiting;
    }
  }
}

void SemaphoreCore::end_wait(Wait& wait) {
  bool granted;
  {
    Waker old;  // ends after the lock
    base::SpinLockHold hold(&queue_lock_);
    granted = wait.state_.load(std::memory_order_relaxed) == State::kGranted;
    old = waiters_.remove(wait);
  }
  if (granted) {
    release(wait.count_);
  } else {
    hand_out();  // the next may need less, or be nobody
  }
}

Waker SemaphoreCore::unlink(Wait& wait, State state) {
  Waker waker = waiters_.remove(wait);
  // [granted] release: `wait` may be gone from here on
  wait.state_.store(state, std::memory_order_release);
  return waker;
}

bool SemaphoreCore::serve(WakerBatch& batch) {
  while (WaitNode* node = waiters_.front()) {
    auto& wait = static_cast<Wait&>(*node);
    // While there are WAITERS nobody takes permits but we: what is enough stays
    // so.
    const uint64_t now = word_.load(kAcquire);
    if (now < wait.count_ * kPermit) return false;
    if (batch.is_full()) return true;
    word_.fetch_sub(wait.count_ * kPermit, kAcqRel);  // [permit] acquire
    batch.add(unlink(wait, State::kGranted));
  }
  word_.fetch_and(~kWaiters, kAcqRel);
  return false;
}

void SemaphoreCore::see_to_release(uint64_t word) {
  EDDY_CHECK((word & kTooMany) == 0, "a semaphore has more than kMaxPermits");
  hand_out();
}

void SemaphoreCore::hand_out() {
  WakerBatch batch;
  for (bool more = true; more; batch.wake_all()) {
    base::SpinLockHold hold(&queue_lock_);
    if ((word_.load(kAcquire) & kWaiters) == 0) return;
    more = serve(batch);
  }
}

uint64_t SemaphoreCore::forget(uint64_t count) {
  base::SpinLockHold hold(&queue_lock_);  // against serve()
  uint64_t now = word_.load(kAcquire);
  for (;;) {
    const uint64_t taken = std::min(count, now / kPermit);
    if (word_.compare_exchange_weak(now, now - taken * kPermit, kAcqRel,
                                    kAcquire)) {
      return taken;
    }
  }
}

void SemaphoreCore::close() {
  WakerBatch batch;
  for (bool more = true; more; batch.wake_all()) {
    base::SpinLockHold hold(&queue_lock_);
    word_.fetch_or(kClosed, kAcqRel);
    while (!batch.is_full() && waiters_.front() != nullptr) {
      batch.add(unlink(static_cast<Wait&>(*waiters_.front()), State::kClosed));
    }
    more = waiters_.front() != nullptr;
    if (!more) word_.fetch_and(~kWaiters, kAcqRel);
  }
}

}  // namespace eddy::sync
