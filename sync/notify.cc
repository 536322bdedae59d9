#include "sync/notify.h"

#include <utility>

namespace eddy::sync {

uint64_t Notify::broadcasts() {
  base::MutexLock lock(&mutex_);
  return broadcasts_;
}

Poll<void> Notify::poll_notified(Notified& wait, Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  const bool is_broadcast = broadcasts_ != wait.made_at_;
  if (is_broadcast || std::exchange(wait.has_permit_, false) ||
      (!wait.is_linked() && std::exchange(permit_, false))) {
    old = waiters_.remove(wait);
    cx.spend();
    return kReady;
  }
  old = waiters_.push_or_update(wait, cx.waker());
  return kPending;
}

void Notify::forget(Notified& wait) {
  if (!wait.is_used()) return;
  Waker old, next;
  {
    base::MutexLock lock(&mutex_);
    old = waiters_.remove(wait);
    if (wait.has_permit_) next = pass_permit();
  }
  std::move(next).wake();
}

Waker Notify::pass_permit() {
  WaitNode* node = waiters_.front();
  if (node == nullptr) {
    permit_ = true;
    return Waker();
  }
  static_cast<Notified&>(*node).has_permit_ = true;
  return waiters_.remove(*node);
}

void Notify::notify_one() {
  Waker next;
  {
    base::MutexLock lock(&mutex_);
    next = pass_permit();
  }
  std::move(next).wake();
}

std::optional<Waker> Notify::take_waiter_before(uint64_t broadcast) {
  base::MutexLock lock(&mutex_);
  WaitNode* node = waiters_.front();
  if (node == nullptr) return std::nullopt;
  if (static_cast<Notified&>(*node).made_at_ >= broadcast) return std::nullopt;
  return waiters_.remove(*node);
}

void Notify::notify_waiters() {
  uint64_t broadcast;
  {
    base::MutexLock lock(&mutex_);
    broadcast = ++broadcasts_;
  }
  while (std::optional<Waker> waker = take_waiter_before(broadcast)) {
    std::move(*waker).wake();  // never under the lock
  }
}

}  // namespace eddy::sync
