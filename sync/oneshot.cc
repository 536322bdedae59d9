#include "sync/oneshot.h"

#include <utility>

namespace eddy::sync::oneshot {

bool Core::end_with(State end) {
  Waker receiver;
  {
    base::MutexLock lock(&mutex_);
    if (state_ != State::kOpen) return false;
    state_ = end;
    receiver = std::move(receiver_);
  }
  std::move(receiver).wake();
  return true;
}

bool Core::close() {
  Waker sender;
  bool was_sent;
  {
    base::MutexLock lock(&mutex_);
    was_sent = state_ == State::kSent;
    if (state_ == State::kOpen) state_ = State::kClosed;
    sender = std::move(sender_);
  }
  std::move(sender).wake();
  return was_sent;
}

bool Core::is_closed() {
  base::MutexLock lock(&mutex_);
  return state_ == State::kClosed;
}

Poll<void> Core::poll_closed(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  Waker latest = cx.waker();  // then the one before: ends after the lock
  base::MutexLock lock(&mutex_);
  if (state_ == State::kClosed) {
    cx.spend();
    return kReady;
  }
  std::swap(sender_, latest);
  return kPending;
}

void Core::forget_sender() {
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  old = std::move(sender_);
}

Poll<Core::State> Core::poll_end(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  Waker latest = cx.waker();  // then the one before: ends after the lock
  base::MutexLock lock(&mutex_);
  if (state_ != State::kOpen) {
    cx.spend();
    return state_;
  }
  std::swap(receiver_, latest);
  return kPending;
}

void Core::forget_receiver() {
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  old = std::move(receiver_);
}

}  // namespace eddy::sync::oneshot
