#include "runtime/groups/scope.h"

#include "runtime/task/join_handle.h"

namespace eddy {
namespace groups {

namespace {

constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kAcquire = std::memory_order_acquire;

}  // namespace

bool ScopeChild::begin() {
  uint8_t idle = 0;
  return word_.compare_exchange_strong(idle, kBusy, kAcqRel, kAcquire);
}

bool ScopeChild::pause() {
  uint8_t busy = kBusy;
  return word_.compare_exchange_strong(busy, 0, kAcqRel, kAcquire);
}

bool ScopeChild::stop() {
  return (word_.fetch_or(kStopped, kAcqRel) & kBusy) == 0;
}

void ScopeChild::destroy_child(std::exception_ptr& error) noexcept {
  try {
    destroy_child();
  } catch (...) {
    if (error == nullptr) error = std::current_exception();
  }
}

bool ScopeChild::poll_future(Context& cx) noexcept {
  if (!begin()) return true;  // the scope was dropped while we were queued
  std::exception_ptr error;
  try {
    if (!poll_child(cx) && pause()) return false;
  } catch (...) {
    error = std::current_exception();
  }
  destroy_child(error);
  scope_.end(*this, End::kPolled, std::move(error));
  return true;
}

// It was aborted, or the runtime shuts down.
void ScopeChild::cancel_future() noexcept {
  if (!begin()) return;
  std::exception_ptr error;
  destroy_child(error);
  scope_.end(*this, End::kCancelled, std::move(error));
}

void ScopeChild::discard() noexcept {
  std::exception_ptr error;
  destroy_child(error);
  if (error != nullptr) scheduler().unhandled(std::move(error));
  live_list = kRefused;
  finish();
  detach();
}

}  // namespace groups

using groups::ScopeChild;

void Scope::link(ScopeChild*& list, ScopeChild& child) {
  child.next_ = list;
  if (list != nullptr) list->slot_ = &child.next_;
  child.slot_ = &list;
  list = &child;
}

void Scope::unlink(ScopeChild& child) {
  *child.slot_ = child.next_;
  if (child.next_ != nullptr) child.next_->slot_ = child.slot_;
}

void Scope::start(ScopeChild& child) {
  bool is_over;
  {
    base::MutexLock lock(&mutex_);
    is_over = is_dropping_ || error_ != nullptr;
    if (!is_over) link(running_, child);
  }
  if (is_over) {
    child.discard();
  } else {
    child.launch();
  }
}

void Scope::end(ScopeChild& child, ScopeChild::End how,
                std::exception_ptr error) noexcept {
  Waker owner;
  bool is_dropping;
  {
    base::MutexLock lock(&mutex_);
    unlink(child);
    is_dropping = is_dropping_;
    if (is_dropping) {
      child_ended_.notify_all();
    } else {
      if (how == ScopeChild::End::kCancelled && !child.is_aborted_ &&
          error == nullptr) {
        error = std::make_exception_ptr(TaskCancelled());
      }
      const bool fails = error != nullptr && error_ == nullptr;
      if (fails) error_ = error;
      if (fails || is_empty()) owner = std::move(owner_);
    }
  }
  // *this may be gone.
  std::move(owner).wake();
  if (is_dropping && error != nullptr) {
    child.scheduler().unhandled(std::move(error));
  }
  child.detach();
}

void Scope::abort_all() {
  for (;;) {
    ScopeChild* child;
    {
      base::MutexLock lock(&mutex_);
      child = running_;
      if (child == nullptr) return;
      unlink(*child);
      link(aborted_, *child);
      child->is_aborted_ = true;
      child->retain();
    }
    child->abort();
    child->release();
  }
}

void Scope::fail(std::exception_ptr error) {
  base::MutexLock lock(&mutex_);
  if (error_ == nullptr) error_ = std::move(error);
}

bool Scope::has_failed() const {
  base::MutexLock lock(&mutex_);
  return error_ != nullptr;
}

void Scope::rethrow_if_failed() {
  std::exception_ptr error;
  {
    base::MutexLock lock(&mutex_);
    error = error_;
  }
  if (error != nullptr) std::rethrow_exception(std::move(error));
}

bool Scope::poll_children(const Waker& waker) {
  Waker old;  // ends after the lock
  for (;;) {
    {
      base::MutexLock lock(&mutex_);
      if (is_empty()) return true;
      if (error_ == nullptr || running_ == nullptr) {
        if (!owner_.will_wake(waker)) old = std::exchange(owner_, waker);
        return false;
      }
    }
    abort_all();
  }
}

// Those that nobody polls, and nobody will.
ScopeChild* Scope::take_idle_children() {
  ScopeChild* idle = nullptr;
  base::MutexLock lock(&mutex_);
  is_dropping_ = true;
  for (ScopeChild* list : {running_, aborted_}) {
    while (list != nullptr) {
      ScopeChild& child = *std::exchange(list, list->next_);
      if (child.stop()) {
        unlink(child);
        child.next_ = std::exchange(idle, &child);
      } else {
        EDDY_CHECK(context::current().task != &child,
                   "a scope() is dropped by a poll of its own child, for which "
                   "it would wait: let another task drop it");
      }
    }
  }
  return idle;
}

void Scope::drop_children() noexcept {
  ScopeChild* idle = take_idle_children();
  while (idle != nullptr) {
    ScopeChild& child = *std::exchange(idle, idle->next_);
    std::exception_ptr error;
    child.destroy_child(error);
    if (error != nullptr) child.scheduler().unhandled(std::move(error));
    child.abort_now();
    child.detach();
  }
  Waker owner;  // ends after the lock
  base::MutexLock lock(&mutex_);
  owner = std::move(owner_);
  while (!is_empty()) child_ended_.wait(mutex_);
}

}  // namespace eddy
