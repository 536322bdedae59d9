#include "sync/notify.h"

#include <utility>

#include "runtime/base/check.h"
#include "sync/blocking_wait.h"

namespace eddy::sync {

Notify::State Notify::take_or_announce(uint64_t made_at) {
  uint64_t now = word_.load(kAcquire);
  for (;;) {
    if (now / kBroadcast != made_at) return State::kIsDue;
    if ((now & kWaiters) != 0) return State::kWaiting;
    const bool has_permit = (now & kPermit) != 0;
    const uint64_t next = has_permit ? now & ~kPermit : now | kWaiters;
    // [permit] acquire
    if (word_.compare_exchange_weak(now, next, kAcqRel, kAcquire)) {
      return has_permit ? State::kHasPermit : State::kWaiting;
    }
  }
}

bool Notify::take_or_wait(Notified& wait, const Waker& waker) {
  Waker old;  // ends after the lock
  base::SpinLockHold hold(&lock_);
  // relaxed: it changes under the lock.
  State state = wait.state_.load(std::memory_order_relaxed);
  if (state == State::kNew) state = take_or_announce(wait.made_at_);
  if (state == State::kWaiting) old = waiters_.push_or_update(wait, waker);
  wait.state_.store(state, std::memory_order_relaxed);
  return state != State::kWaiting;
}

Poll<void> Notify::poll_slowly(Notified& wait, Context& cx) {
  const State state = wait.state_.load(kAcquire);  // [notified] acquire
  EDDY_DCHECK(state != State::kDone, "a Notified is polled after it was ready");
  if (state <= State::kWaiting && !take_or_wait(wait, cx.waker())) {
    return kPending;
  }
  wait.state_.store(State::kDone, std::memory_order_relaxed);
  cx.spend();
  return kReady;
}

bool Notify::Notified::enable() {
  const State state = state_.load(kAcquire);  // [notified] acquire
  if (state == State::kNew) return notify_.take_or_wait(*this, Waker());
  return state != State::kWaiting;
}

void Notify::end_wait(Notified& wait) {
  bool has_permit;
  {
    Waker old;  // ends after the lock
    base::SpinLockHold hold(&lock_);
    has_permit =
        wait.state_.load(std::memory_order_relaxed) == State::kHasPermit;
    old = waiters_.remove(wait);
  }
  if (has_permit) notify_one();
}

Waker Notify::unlink(Notified& wait, State state) {
  Waker waker = waiters_.remove(wait);
  // [notified] release: `wait` may be gone from here on
  wait.state_.store(state, std::memory_order_release);
  return waker;
}

bool Notify::serve_due(WakerBatch& batch) {
  const uint64_t broadcasts = this->broadcasts();
  while (WaitNode* node = waiters_.front()) {
    auto& wait = static_cast<Notified&>(*node);
    if (wait.made_at_ == broadcasts) return false;  // and those behind it
    if (batch.is_full()) return true;
    batch.add(unlink(wait, State::kIsDue));
  }
  word_.fetch_and(~kWaiters, kAcqRel);
  return false;
}

void Notify::keep_permit() {
  uint64_t now = word_.load(std::memory_order_relaxed);
  // [permit] release
  while (!word_.compare_exchange_weak(now, (now & ~kWaiters) | kPermit, kAcqRel,
                                      std::memory_order_relaxed)) {
  }
}

void Notify::serve_one(WaitNode* (WaitList::*which)()) {
  for (bool is_due = true; is_due;) {
    Waker next;  // never woken under the lock
    {
      base::SpinLockHold hold(&lock_);
      if (waiters_.front() == nullptr) {
        keep_permit();
        return;
      }
      // One that is due anyway would hide the permit.
      auto* wait = static_cast<Notified*>(waiters_.front());
      is_due = wait->made_at_ != broadcasts();
      if (!is_due) wait = static_cast<Notified*>((waiters_.*which)());
      next = unlink(*wait, is_due ? State::kIsDue : State::kHasPermit);
    }
    std::move(next).wake();
  }
}

void Notify::notify_waiters() {
  // [permit] release
  if ((word_.fetch_add(kBroadcast, kAcqRel) & kWaiters) == 0) return;
  WakerBatch batch;
  for (bool more = true; more; batch.wake_all()) {
    base::SpinLockHold hold(&lock_);
    more = serve_due(batch);
  }
}

void Notify::blocking_wait() {
  sync::blocking_wait(notified(), "blocking_wait()");
}

}  // namespace eddy::sync
