// WaitList: the wakers of those who wait, first come first, as nodes inside of
// their futures.
//
// Threads: under the lock of its owner, which also guards the nodes. A future
//          may read its node's is_used() without the lock: only itself sets it.
// Owner:   a node is a member of its future, and unlinked before it ends.
#ifndef EDDY_SYNC_WAIT_LIST_H_
#define EDDY_SYNC_WAIT_LIST_H_

#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/waker.h"

namespace eddy::sync {

class WaitNode {
 public:
  WaitNode() {}
  WaitNode(WaitNode&& other) noexcept {
    EDDY_CHECK(!other.used_,
               "a future is moved after its first poll: move it before, or "
               "await it by reference");
  }
  WaitNode& operator=(WaitNode&&) = delete;
  ~WaitNode() { EDDY_DCHECK(!is_linked()); }

  bool is_linked() const { return linked_; }
  // It is linked, or was once.
  bool is_used() const { return used_; }

 private:
  friend class WaitList;

  // Set while it is linked.
  WaitNode* next_;
  WaitNode* prev_;
  Waker waker_;  // the latest
  bool linked_ = false;
  bool used_ = false;
};

class WaitList {
 public:
  WaitList() {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  // Links the node at the end, unless it is linked, and keeps the latest waker.
  // Gives the one that this replaces: let it end after the lock.
  [[nodiscard]] Waker push_or_update(WaitNode& node, const Waker& waker) {
    if (!node.linked_) link(node);
    if (node.waker_.will_wake(waker)) return Waker();
    return std::exchange(node.waker_, waker);
  }

  // Unlinks the node, if it is linked, and gives its waker.
  Waker remove(WaitNode& node) {
    if (!node.linked_) return Waker();
    (node.prev_ != nullptr ? node.prev_->next_ : head_) = node.next_;
    (node.next_ != nullptr ? node.next_->prev_ : tail_) = node.prev_;
    node.linked_ = false;
    return std::move(node.waker_);
  }

  // Leaves it where it is, until it is polled again.
  Waker take_waker(WaitNode& node) { return std::move(node.waker_); }

  // Who has waited longest; null if nobody waits.
  WaitNode* front() { return head_; }
  // Who has waited shortest; null if nobody waits.
  WaitNode* back() { return tail_; }

 private:
  void link(WaitNode& node) {
    node.linked_ = node.used_ = true;
    node.next_ = nullptr;
    node.prev_ = tail_;
    (tail_ != nullptr ? tail_->next_ : head_) = &node;
    tail_ = &node;
  }

  WaitNode* head_ = nullptr;
  WaitNode* tail_ = nullptr;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_WAIT_LIST_H_
