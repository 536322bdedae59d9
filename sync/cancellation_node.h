// CancellationNode: one token of a tree of cancellation tokens, which copies of
// the token, waits for it and the nodes below share.
//
// A node is in the list of its parent from its making until the parent, or
// itself, ends. It keeps its parent's memory, so that a request from further up
// passes through parents whose tokens are gone.
//
//   cancelled  by             to   then
//   ---------  -------------  ---  --------------------------------------------
//   no         cancel()       yes  wake those who wait, request the stop of
//                                  stop_token(), take the children one by one
//                                  out of the list, and cancel each
//   no         (made below a  yes  -
//              cancelled one)
//
// Nothing is woken or called under a lock, and no lock is taken under another.
//
// Memory order: [cancel] what was written before cancel(), whoever finds the
// node cancelled sees. [free] nobody uses the memory any more.
//
// Threads: any.
// Owner:   its references.
#ifndef EDDY_SYNC_CANCELLATION_NODE_H_
#define EDDY_SYNC_CANCELLATION_NODE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"

namespace eddy::sync {

class CancellationNode {
 public:
  // A counted reference.
  class Ref {
   public:
    Ref(const Ref& other) : node_(other.node_) { node_->retain(); }
    Ref(Ref&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
      std::swap(node_, other.node_);
      return *this;
    }
    ~Ref() {
      if (node_ != nullptr) node_->release();
    }
    CancellationNode* operator->() const { return node_; }

   private:
    friend class CancellationNode;
    explicit Ref(CancellationNode* node) : node_(node) {}
    CancellationNode* node_;
  };

  static Ref create() { return Ref(new CancellationNode); }
  Ref create_child();

  bool is_cancelled() const {
    return cancelled_.load(std::memory_order_acquire);  // [cancel]
  }
  void cancel();
  // From now on a request of `stop` cancels this node too. At most once, before
  // the node is shared.
  void follow(std::stop_token stop);
  // Whose stop is requested when this node is cancelled.
  std::stop_token stop_token();

  Poll<void> poll_cancelled(WaitNode& wait, Context& cx);
  void forget(WaitNode& wait);

 private:
  struct Canceller {
    CancellationNode* node;
    void operator()() const noexcept { node->cancel_if_referenced(); }
  };

  CancellationNode() {}
  ~CancellationNode() = default;

  void retain() {
    // relaxed: a reference is only made from a reference.
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  bool try_retain();
  void release();

  void cancel_if_referenced();
  // Gives its children, linked by `next_`, with a reference each, before those
  // that are `due` already.
  CancellationNode* cancel_alone(CancellationNode* due);
  bool mark_cancelled(std::optional<std::stop_source>& stop);
  void wake_waiters();
  CancellationNode* take_child();
  void unlink(CancellationNode& child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void forget_child(CancellationNode& child);

  std::atomic<uint32_t> references_{1};
  std::atomic<bool> cancelled_{false};  // changes under mutex_
  CancellationNode* parent_ = nullptr;  // with a reference
  base::Mutex mutex_;
  WaitList waiters_ ABSL_GUARDED_BY(mutex_);
  CancellationNode* children_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::optional<std::stop_source> stop_source_ ABSL_GUARDED_BY(mutex_);

  // The place in parent_->children_, guarded by parent_->mutex_; once unlinked,
  // `next_` belongs to whoever cancels the parent.
  CancellationNode* next_ = nullptr;
  CancellationNode* prev_ = nullptr;
  bool linked_ = false;

  // Its end waits for a call in progress on another thread.
  std::optional<std::stop_callback<Canceller>> followed_;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_CANCELLATION_NODE_H_
