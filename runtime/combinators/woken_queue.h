// WokenQueue: which of a future's many children were woken. Each child is a
// waker of its own, a WokenNode; to wake it is to queue it, at most once, and
// to wake whoever polls the children, if he waits.
//
// The queue is a stack that is taken whole. Its one word:
//
//   head_              meaning
//   -----------------  -----------------------------------------------------
//   0                  nothing was woken, and nobody waits
//   a node             woken nodes, the latest first
//   a waker, kWaiting  nothing was woken; a reference to whom the next wake
//                      wakes
//   n, kClosed         the poller is gone, and n nodes are still to come
//
//   from          by              to             the caller must
//   ------------  --------------  -------------  ----------------------------
//   0, nodes      push()          node -> nodes  -
//   waker         push()          node           wake it
//   n             push()          n - 1          free the queue, if that is 0
//   nodes         take_or_wait()  0              poll them
//   0, waker      take_or_wait()  its waker      go to wait
//   any but n     close()         n, or freed    -
//
// A word that has a waker may be exchanged for the same one while a push()
// looks at it: the reference that the push() then owns is as good.
//
// A node's word has bit 0, QUEUED: it is in the queue, or on its way there, or
// was ended; and above that the number of its references. Those are held by the
// wakers and by the poller. Where a node is ended while it is QUEUED, the
// poller's reference stays with the entry.
//
// Memory order: every edge is an acq_rel read-modify-write.
//   [wake]  wake() -> begin_poll(): what the waker wrote, the poll sees; also
//           where wake() changes no bit, so it must not be shortened to a load.
//   [push]  push() -> take_or_wait(): the links of the nodes.
//   [wait]  take_or_wait() -> push(): the waker.
//   [free]  release() -> the last release(); push() -> the last push().
//
// Threads: wake() by any; the rest by one at a time, the poller.
// Owner:   the poller, which close()s it; the last wake in progress frees it.
#ifndef EDDY_RUNTIME_COMBINATORS_WOKEN_QUEUE_H_
#define EDDY_RUNTIME_COMBINATORS_WOKEN_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/task/waker.h"

namespace eddy::combinators {

class WokenNode;

class WokenQueue {
 public:
  static WokenQueue* create() { return new WokenQueue; }
  // Every node was ended, and `owed` of them have not been taken.
  void close(std::size_t owed) noexcept;

  // The nodes that were woken, the latest first; or null, and then the next
  // wake of a node wakes `waker`.
  WokenNode* take_or_wait(const Waker& waker);
  // Wakes who waits.
  void notify() noexcept;

 private:
  friend class WokenNode;
  static constexpr uintptr_t kWaiting = 1, kClosed = 2, kTags = 3;
  static constexpr int kCountShift = 2;

  WokenQueue() = default;
  ~WokenQueue() = default;

  static bool is_waker(uintptr_t word) { return (word & kWaiting) != 0; }
  static WokenNode* nodes_of(uintptr_t word) {
    return is_waker(word) ? nullptr : reinterpret_cast<WokenNode*>(word);
  }
  static Waker adopt_waker(uintptr_t word) {
    return Waker::adopt(reinterpret_cast<Wakeable*>(word & ~kTags));
  }

  // False: there are nodes.
  bool wait(uintptr_t head, const Waker& waker);
  void push(WokenNode& node) noexcept;
  void push_late(WokenNode& node) noexcept;

  std::atomic<uintptr_t> head_{0};
};

class WokenNode : public Wakeable {
 public:
  // Its first poll need not be asked for: it is QUEUED, and in a list of the
  // poller's.
  explicit WokenNode(WokenQueue& queue) : queue_(&queue) {}

  // Wakeable:
  void wake() noexcept final;
  void wake_and_release() noexcept final;
  void retain() noexcept final;
  void release() noexcept final;

  // The poller's side.
  //
  // Before a poll: whoever wakes from now on queues it again.
  void begin_poll();
  // There will be no further poll. True: the queue still owes this node, and
  // whoever takes it release()s it. False: it may be gone.
  [[nodiscard]] bool end();

  WokenNode* next_woken = nullptr;  // belongs to who has set QUEUED

 protected:
  ~WokenNode() = default;
  // Ends *this, whose child is gone, and frees its memory.
  virtual void free() noexcept = 0;

 private:
  static constexpr uint32_t kQueued = 1, kReference = 2;

  WokenQueue* const queue_;
  std::atomic<uint32_t> word_{kReference | kQueued};
};

inline void WokenNode::begin_poll() {
  word_.fetch_and(~kQueued, std::memory_order_acq_rel);  // [wake] acquire
}

}  // namespace eddy::combinators

#endif  // EDDY_RUNTIME_COMBINATORS_WOKEN_QUEUE_H_
