#include "sync/barrier.h"

#include "sync/blocking_wait.h"

namespace eddy::sync {

bool Barrier::arrive(Wait& wait) {
  bool must_wake;
  {
    base::MutexLock lock(&mutex_);
    wait.round_ = rounds_.now();
    if (++arrived_ < tasks_) return false;
    arrived_ = 0;
    must_wake = rounds_.step();
  }
  if (must_wake) rounds_.wake_waiters();
  return true;
}

void Barrier::withdraw(uint64_t round) {
  base::MutexLock lock(&mutex_);
  if (rounds_.now() == round) --arrived_;
}

bool Barrier::blocking_wait() {
  return sync::blocking_wait(wait(), "blocking_wait()");
}

Poll<bool> Barrier::Wait::poll(Context& cx) {
  EDDY_DCHECK(state_ != State::kDone, "a Wait is polled after it was ready");
  if (!cx.has_budget()) return cx.yield();
  bool is_leader = false;
  if (state_ == State::kNew) {
    is_leader = barrier_.arrive(*this);
    state_ = State::kArrived;
  }
  if (is_leader) {
    cx.spend();
  } else if (wait_.poll(round_, cx).is_pending()) {
    return kPending;
  }
  state_ = State::kDone;
  return is_leader;
}

}  // namespace eddy::sync
