#include "runtime/scheduler/fork_lane.h"

#include <algorithm>

namespace eddy::scheduler {

void ForkLane::publish() {
  if (deque_.publish() && host_ != nullptr) host_->wake_thief();
}

void ForkLane::postpone_all() {
  for (ForkDeque::Item item; deque_.pop(item);) {
    item.fork->postpone(item.branches);
  }
}

void ForkLane::start_slice() {
  children_left_ = interval_;
  is_timing_ = false;
  is_over_ = false;
}

bool ForkLane::check_slice() {
  // While a child runs long nothing is pushed, and somebody may get hungry.
  if (deque_.wants_publish()) publish();
  if (!is_over_) {
    const Clock::time_point now = Clock::now();
    if (!is_timing_) {
      is_timing_ = true;
      started_ = now;
    } else if (now - looked_ > kSlice / 4) {
      interval_ = std::max(interval_ / 2, 1u);
    } else {
      interval_ = std::min(interval_ * 2, kMaxInterval);
    }
    looked_ = now;
    is_over_ = now - started_ >= kSlice &&
               (host_ == nullptr || host_->has_waiting_tasks());
  }
  children_left_ = is_over_ ? 1 : interval_;
  return is_over_;
}

}  // namespace eddy::scheduler
