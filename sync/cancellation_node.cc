#include "sync/cancellation_node.h"

#include "sync/waker_batch.h"

namespace eddy::sync {

CancellationNode::Ref CancellationNode::create_child() {
  auto* child = new CancellationNode;
  base::MutexLock lock(&mutex_);
  if (cancelled_.load(std::memory_order_relaxed)) {
    // [cancel] rests on the lock here.
    child->cancelled_.store(true, std::memory_order_release);
    return Ref(child);
  }
  retain();
  child->parent_ = this;
  child->next_ = children_;
  if (children_ != nullptr) children_->prev_ = child;
  children_ = child;
  child->linked_ = true;
  return Ref(child);
}

// --- References --------------------------------------------------------------

bool CancellationNode::try_retain() {
  uint32_t old = references_.load(std::memory_order_relaxed);
  while (old != 0 && !references_.compare_exchange_weak(
                         old, old + 1, std::memory_order_relaxed)) {
  }
  return old != 0;
}

// Not recursive: a chain of a million tokens needs no stack.
void CancellationNode::release() {
  CancellationNode* node = this;
  // [free]
  while (node->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    CancellationNode* const parent = node->parent_;
    node->followed_.reset();
    if (parent != nullptr) parent->forget_child(*node);
    delete node;
    if (parent == nullptr) return;
    node = parent;
  }
}

void CancellationNode::unlink(CancellationNode& child) {
  (child.prev_ != nullptr ? child.prev_->next_ : children_) = child.next_;
  if (child.next_ != nullptr) child.next_->prev_ = child.prev_;
  child.next_ = child.prev_ = nullptr;
  child.linked_ = false;
}

void CancellationNode::forget_child(CancellationNode& child) {
  base::MutexLock lock(&mutex_);
  if (child.linked_) unlink(child);
}

// --- Cancelling --------------------------------------------------------------

void CancellationNode::cancel() {
  retain();
  const Ref self(this);  // a callback may end the token that is cancelled
  CancellationNode* due = cancel_alone(nullptr);
  while (due != nullptr) {
    CancellationNode* const node = due;
    due = node->cancel_alone(std::exchange(node->next_, nullptr));
    node->release();
  }
}

// By a stop_callback: it may come when the last reference has gone, whose end
// then waits for us.
void CancellationNode::cancel_if_referenced() {
  if (!try_retain()) return;
  cancel();
  release();
}

CancellationNode* CancellationNode::cancel_alone(CancellationNode* due) {
  std::optional<std::stop_source> stop;
  if (is_cancelled() || !mark_cancelled(stop)) return due;
  wake_waiters();
  if (stop.has_value()) stop->request_stop();
  while (CancellationNode* child = take_child()) {
    child->next_ = due;
    due = child;
  }
  return due;
}

bool CancellationNode::mark_cancelled(std::optional<std::stop_source>& stop) {
  base::MutexLock lock(&mutex_);
  if (cancelled_.load(std::memory_order_relaxed)) return false;
  cancelled_.store(true, std::memory_order_release);  // [cancel]
  stop = stop_source_;
  return true;
}

void CancellationNode::wake_waiters() {
  WakerBatch batch;
  bool more = true;
  while (more) {
    {
      base::MutexLock lock(&mutex_);
      WaitNode* wait = waiters_.front();
      for (; wait != nullptr && !batch.is_full(); wait = waiters_.front()) {
        batch.add(waiters_.remove(*wait));
      }
      more = wait != nullptr;
    }
    batch.wake_all();
  }
}

// Some child, with a reference; null if there is none. One that is about to go
// is only unlinked: nobody can ask it.
CancellationNode* CancellationNode::take_child() {
  base::MutexLock lock(&mutex_);
  while (CancellationNode* child = children_) {
    unlink(*child);
    if (child->try_retain()) return child;
  }
  return nullptr;
}

// --- Waiting, and std::stop_token --------------------------------------------

Poll<void> CancellationNode::poll_cancelled(WaitNode& wait, Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  const Waker& waker = cx.waker();  // may be made now: not under the lock
  Waker old;                        // ends after it
  base::MutexLock lock(&mutex_);
  if (cancelled_.load(std::memory_order_relaxed)) {
    old = waiters_.remove(wait);
    cx.spend();
    return kReady;
  }
  old = waiters_.push_or_update(wait, waker);
  return kPending;
}

void CancellationNode::forget(WaitNode& wait) {
  if (!wait.is_used()) return;
  Waker old;  // ends after the lock
  base::MutexLock lock(&mutex_);
  old = waiters_.remove(wait);
}

void CancellationNode::follow(std::stop_token stop) {
  followed_.emplace(std::move(stop), Canceller{this});
}

std::stop_token CancellationNode::stop_token() {
  std::stop_source source(std::nostopstate);
  {
    base::MutexLock lock(&mutex_);
    if (!stop_source_.has_value()) stop_source_.emplace();
    source = *stop_source_;
  }
  // Made too late for cancel(), or before it came to it.
  if (is_cancelled()) source.request_stop();
  return source.get_token();
}

}  // namespace eddy::sync
