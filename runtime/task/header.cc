#include "runtime/task/header.h"

#include <utility>

#include "runtime/context/current.h"

namespace eddy::task {

Header::Turn Header::wait() noexcept {
  if (live_list == kUnlisted && !scheduler_->enlist(*this)) [[unlikely]] {
    cancel_future();
    return Turn::kEnded;
  }
  switch (state_.suspend()) {
    case AtSuspend::kForget:
      return Turn::kOver;
    case AtSuspend::kSubmit:
      return Turn::kAgain;
    case AtSuspend::kDestroy:
      break;
  }
  cancel_future();
  return Turn::kEnded;
}

void Header::drop() noexcept {
  cancel_future();
  finish();
}

void Header::finish_dismissed(bool has_lists_reference) noexcept {
  // The entry's, and that of the list.
  const uint64_t references = has_lists_reference ? 2 : 1;
  if (state_.is_alone(references)) {
    drop_outcome();
    return destroy();
  }
  State::Completion end = state_.complete(false, references, join_waker_);
  if (!end.done) {
    drop_outcome();
    end = state_.complete(true, references, join_waker_);
  }
  if (end.joiner != nullptr) end.joiner->wake_and_release();
  if (end.last) destroy();
}

// Nobody will read it.
void Header::drop_outcome() noexcept {
  if (std::exception_ptr error = destroy_outcome()) [[unlikely]]
    scheduler_->unhandled(std::move(error));
}

// True: the list's reference is ours.
bool Header::leave_scheduler() noexcept {
  if (live_list == kPart) {
    scheduler_->end_part(*this);
    return true;
  }
  return live_list == kRefused || scheduler_->dismiss(*this);
}

// The scheduler is closed.
void Header::refuse() noexcept {
  live_list = kRefused;
  drop();
}

void Header::launch_listed() noexcept {
  if (!scheduler_->admit(*this)) {
    refuse();
  } else if (!scheduler_->enlist(*this)) {
    drop();
  } else {
    scheduler_->schedule(*this);
  }
}

void Header::abort() noexcept {
  if (state_.cancel() == Duty::kSubmit) scheduler_->schedule(*this);
}

void Header::abort_now() noexcept {
  if (state_.cancel() == Duty::kSubmit) run();
}

void Header::wake() noexcept {
  if (state_.wake() == Duty::kSubmit) scheduler_->schedule(*this);
}

void Header::wake_and_release() noexcept {
  if (state_.wake_consuming() == Duty::kSubmit) {
    scheduler_->schedule(*this);
  } else {
    release();
  }
}

bool Header::wait_to_join(const Waker& waker) {
  const bool reclaimed = state_.reclaim_join_waker();
  if (!reclaimed && state_.is_complete()) return true;
  // The slot is ours. relaxed: publish_join_waker() releases it.
  Wakeable* old = join_waker_.load(std::memory_order_relaxed);
  Waker kept = reclaimed ? Waker::adopt(old) : Waker();
  if (!reclaimed || !kept.will_wake(waker)) kept = waker;
  Wakeable* target = std::move(kept).leak();
  join_waker_.store(target, std::memory_order_relaxed);
  if (state_.publish_join_waker()) return false;
  Waker unused = Waker::adopt(target);
  return true;
}

void Header::detach() noexcept {
  const State::Disinterest end = state_.drop_join_interest();
  if (end.released) return;
  if (end.drop_waker) {
    Waker unused = Waker::adopt(join_waker_.load(std::memory_order_relaxed));
  }
  if (end.drop_outcome) {
    // Inside its runtime a task's scheduler is certainly alive; elsewhere it
    // may be gone, since the task is complete.
    std::exception_ptr error = destroy_outcome();
    const context::Services* here = context::current().services;
    if (error && here != nullptr && &here->scheduler == scheduler_) {
      scheduler_->unhandled(std::move(error));
    }
  }
  release();
}

}  // namespace eddy::task
