#include "runtime/groups/scope.h"

#include "runtime/scheduler/block_in_place.h"
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

// A thread that waits in drop_children() for polls in progress, itself in the
// poll of a child of another scope, maybe. All of them are in one list: where
// they wait for each other in a circle, the last one finds it.
class Scope::Drop {
 public:
  explicit Drop(const Scope& scope)
      : scope_(scope), around_(around(context::current().task)) {
    base::MutexLock lock(&mutex);
    next_ = std::exchange(drops, this);
    EDDY_CHECK(!is_in_a_circle(),
               "scopes are dropped by polls of each other's children, which "
               "would wait for each other: let a task of no scope drop them");
  }
  Drop(const Drop&) = delete;
  Drop& operator=(const Drop&) = delete;
  ~Drop() {
    base::MutexLock lock(&mutex);
    Drop** place = &drops;
    while (*place != this) place = &(*place)->next_;
    *place = next_;
  }

 private:
  // The scope that waits for the task if it is dropped; null for others.
  static const Scope* around(const task::Header* task) {
    auto* child = dynamic_cast<const ScopeChild*>(task);
    return child != nullptr ? &child->scope_ : nullptr;
  }
  static const Drop* of(const Scope& scope)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const Drop* drop = drops;
    while (drop != nullptr && &drop->scope_ != &scope) drop = drop->next_;
    return drop;
  }
  // Whoever drops the scope around a thread waits for that thread.
  bool is_in_a_circle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const Scope* waits = around_;
    while (waits != nullptr && waits != &scope_) {
      const Drop* const drop = of(*waits);
      waits = drop != nullptr ? drop->around_ : nullptr;
    }
    return waits != nullptr;
  }

  static constinit base::Mutex mutex;
  static constinit Drop* drops ABSL_GUARDED_BY(mutex);

  const Scope& scope_;
  const Scope* const around_;
  Drop* next_ ABSL_GUARDED_BY(mutex);
};

constinit base::Mutex Scope::Drop::mutex;
constinit Scope::Drop* Scope::Drop::drops = nullptr;

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

bool Scope::poll_children(const Waker& waker, bool has_result) {
  Waker old;  // ends after the lock
  for (;;) {
    {
      base::MutexLock lock(&mutex_);
      if (is_empty() && (has_result || error_ != nullptr)) return true;
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
  {
    Waker owner;  // ends after the lock
    base::MutexLock lock(&mutex_);
    owner = std::move(owner_);
    if (is_empty()) return;
  }
  const Drop drop(*this);
  // The others are being polled. Their threads may need our core for that.
  scheduler::InPlace in_place;
  base::MutexLock lock(&mutex_);
  while (!is_empty()) child_ended_.wait(mutex_);
}

}  // namespace eddy
