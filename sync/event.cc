#include "sync/event.h"

#include <optional>
#include <utility>

#include "sync/blocking_wait.h"

namespace eddy::sync {

bool Event::is_set() const {
  base::MutexLock lock(&mutex_);
  return set_;
}

void Event::blocking_wait() { sync::blocking_wait(wait(), "blocking_wait()"); }

Poll<void> Event::poll_wait(WaitNode& node, Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  const Waker& waker = cx.waker();  // may be made now: not under the lock
  Waker old;                        // ends after it
  base::MutexLock lock(&mutex_);
  if (set_) {
    cx.spend();
    return kReady;
  }
  old = waiters_.push_or_update(node, waker);
  return kPending;
}

void Event::forget(WaitNode& node) {
  if (!node.is_used()) return;
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  old = waiters_.remove(node);
}

std::optional<Waker> Event::open_and_take_one() {
  base::MutexLock lock(&mutex_);
  set_ = true;
  WaitNode* node = waiters_.front();
  if (node == nullptr) return std::nullopt;
  return waiters_.remove(*node);
}

void Event::set() {
  while (std::optional<Waker> waker = open_and_take_one()) {
    std::move(*waker).wake();  // never under the lock
  }
}

}  // namespace eddy::sync
