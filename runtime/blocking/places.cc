#include "runtime/blocking/places.h"

#include <utility>

namespace eddy::blocking {

void Places::take_any() {
  base::MutexLock lock(&mutex_);
  --free_;
}

bool Places::try_take() {
  if (!is_bounded_) return true;
  base::MutexLock lock(&mutex_);
  if (!is_closed_ && (free_ <= 0 || first_ != nullptr)) return false;
  --free_;
  return true;
}

void Places::give_one() {
  Waker waker;
  {
    base::MutexLock lock(&mutex_);
    ++free_;
    if (free_ <= 0 || first_ == nullptr) return;
    waker = grant(*first_);
  }
  std::move(waker).wake();
}

// The waiter is woken by the caller, without the lock.
Waker Places::grant(Wait& wait) {
  --free_;
  unlink(wait);
  wait.state_ = Wait::State::kGranted;
  return std::move(wait.waker_);
}

// `waker` is by value: what it replaces ends with the call, outside the lock.
bool Places::poll_wait(Wait& wait, Waker waker) {
  base::MutexLock lock(&mutex_);
  if (wait.state_ == Wait::State::kGranted) {
    wait.state_ = Wait::State::kIdle;
    return true;
  }
  const bool is_linked = wait.state_ == Wait::State::kLinked;
  if (!is_bounded_ || is_closed_ ||
      (!is_linked && free_ > 0 && first_ == nullptr)) {
    if (is_linked) {
      unlink(wait);
      std::swap(wait.waker_, waker);
    }
    wait.state_ = Wait::State::kIdle;
    --free_;
    return true;
  }
  std::swap(wait.waker_, waker);  // the latest counts
  if (is_linked) return false;
  wait.state_ = Wait::State::kLinked;
  wait.previous_ = last_;
  wait.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &wait;
  last_ = &wait;
  return false;
}

void Places::forget(Wait& wait) {
  bool is_granted;
  {
    base::MutexLock lock(&mutex_);
    is_granted = wait.state_ == Wait::State::kGranted;
    if (wait.state_ == Wait::State::kLinked) unlink(wait);
    wait.state_ = Wait::State::kIdle;
  }
  if (is_granted) give();
}

void Places::unlink(Wait& wait) {
  (wait.previous_ != nullptr ? wait.previous_->next_ : first_) = wait.next_;
  (wait.next_ != nullptr ? wait.next_->previous_ : last_) = wait.previous_;
  wait.next_ = wait.previous_ = nullptr;
}

void Places::close() {
  for (;;) {
    Waker waker;
    {
      base::MutexLock lock(&mutex_);
      is_closed_ = true;
      if (first_ == nullptr) return;
      waker = grant(*first_);
    }
    std::move(waker).wake();
  }
}

}  // namespace eddy::blocking
