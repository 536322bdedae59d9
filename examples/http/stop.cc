#include "examples/http/stop.h"

#include <utility>

namespace eddy::examples::http {

void Stop::set() {
  std::vector<Waker> wakers;
  {
    base::MutexLock lock(&mutex_);
    set_.store(true, std::memory_order_release);  // [stop]
    for (Wait* wait = head_; wait != nullptr; wait = wait->next_) {
      wakers.push_back(wait->waker_);
    }
  }
  for (Waker& waker : wakers) std::move(waker).wake();
}

Stop::Wait::~Wait() {
  if (!is_linked_) return;
  base::MutexLock lock(&stop_.mutex_);
  *slot_ = next_;
  if (next_ != nullptr) next_->slot_ = slot_;
}

Poll<void> Stop::Wait::poll(Context& cx) {
  if (stop_.is_set()) return kReady;
  // Linked, so a later set() finds the waker.
  if (is_linked_ && waker_.will_wake(cx.waker())) return kPending;
  Waker waker = cx.waker();  // after the swap the old one, ended last
  base::MutexLock lock(&stop_.mutex_);
  if (stop_.is_set()) return kReady;
  link(waker);
  return kPending;
}

void Stop::Wait::link(Waker& waker) {
  std::swap(waker_, waker);
  if (std::exchange(is_linked_, true)) return;
  next_ = stop_.head_;
  if (next_ != nullptr) next_->slot_ = &next_;
  slot_ = &stop_.head_;
  stop_.head_ = this;
}

}  // namespace eddy::examples::http
