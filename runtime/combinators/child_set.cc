#include "runtime/combinators/child_set.h"

namespace eddy::combinators {

ChildSet::~ChildSet() {
  clear();
  // What was added and never polled, or woken and not polled since.
  for (WokenNode* node = woken_; node != nullptr; --owed_) {
    WokenNode* const next = node->next_woken;
    node->release();
    node = next;
  }
  if (queue_ != nullptr) queue_->close(owed_);
}

void ChildSet::swap(ChildSet& other) noexcept {
  std::swap(queue_, other.queue_);
  std::swap(woken_, other.woken_);
  std::swap(last_woken_, other.last_woken_);
  std::swap(first_, other.first_);
  std::swap(last_, other.last_);
  std::swap(size_, other.size_);
  std::swap(owed_, other.owed_);
}

WokenQueue& ChildSet::queue() {
  if (queue_ == nullptr) queue_ = WokenQueue::create();
  return *queue_;
}

void ChildSet::link(ChildNode& node) {
  node.prev_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &node;
  last_ = &node;
  ++size_;
  enqueue(node);
  queue_->notify();
}

void ChildSet::enqueue(WokenNode& node) {
  (woken_ != nullptr ? last_woken_->next_woken : woken_) = &node;
  last_woken_ = &node;
}

void ChildSet::rotate_first_polls(std::size_t count) {
  for (; count > 0; --count) {
    WokenNode& node = *woken_;
    woken_ = node.next_woken;
    node.next_woken = nullptr;
    enqueue(node);
  }
}

// The next that is to be polled; null if there is none, or no budget.
ChildNode* ChildSet::take_woken(Context& cx) {
  if (woken_ == nullptr) {
    // Turned round: who was woken first comes first.
    WokenNode* latest = queue_->take_or_wait(cx.waker());
    last_woken_ = latest;
    while (latest != nullptr) {
      WokenNode* const earlier = latest->next_woken;
      latest->next_woken = woken_;
      woken_ = latest;
      latest = earlier;
    }
    if (woken_ == nullptr) return nullptr;
  }
  if (!cx.has_budget()) {
    cx.request_wake();
    return nullptr;
  }
  auto* node = static_cast<ChildNode*>(woken_);
  woken_ = node->next_woken;
  node->next_woken = nullptr;
  return node;
}

bool ChildSet::poll_child(ChildNode& node, Context& cx, bool& yielded) {
  // Borrows the set's reference.
  Waker waker = Waker::adopt(&node);
  Context part = cx.with_waker(waker);
  node.begin_poll();
  bool is_ready;
  try {
    is_ready = node.poll_child(part);
  } catch (...) {
    std::move(waker).leak();
    cx.merge(part);
    remove(node);
    throw;
  }
  std::move(waker).leak();
  if (part.budget() == cx.budget()) part.spend();
  cx.merge(part);
  if (is_ready) {
    node.state_ = ChildNode::State::kReady;
  } else if (part.wake_requested()) {
    yielded = true;
    node.wake();
  }
  return is_ready;
}

Poll<ChildNode&> ChildSet::poll(Context& cx) {
  EDDY_DCHECK(!empty(), "a set without children is polled");
  for (bool yielded = false; !yielded || woken_ != nullptr;) {
    ChildNode* const node = take_woken(cx);
    if (node == nullptr) return kPending;
    if (node->state_ == ChildNode::State::kRemoved) {
      --owed_;
      node->release();
    } else if (node->state_ == ChildNode::State::kReady) {
      // It was woken while it became ready. The queue owes it no more.
      node->begin_poll();
    } else if (poll_child(*node, cx, yielded)) {
      return *node;
    }
  }
  return cx.yield();
}

void ChildSet::run_again(ChildNode& node) {
  node.state_ = ChildNode::State::kRunning;
  node.wake();
}

void ChildSet::remove(ChildNode& node) noexcept {
  (node.prev_ != nullptr ? node.prev_->next_ : first_) = node.next_;
  (node.next_ != nullptr ? node.next_->prev_ : last_) = node.prev_;
  --size_;
  node.state_ = ChildNode::State::kRemoved;
  node.drop_child();
  if (node.end()) ++owed_;
}

void ChildSet::clear() noexcept {
  while (last_ != nullptr) remove(*last_);
}

}  // namespace eddy::combinators
