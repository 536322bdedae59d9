#include "runtime/combinators/woken_queue.h"

#include <utility>

#include "runtime/base/check.h"

namespace eddy::combinators {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace

void WokenQueue::push(WokenNode& node) noexcept {
  // relaxed: what is read of the old head is only its value.
  uintptr_t old = head_.load(kRelaxed);
  do {
    if ((old & kClosed) != 0) [[unlikely]] {
      push_late(node);
      return;
    }
    node.next_woken = nodes_of(old);
    // [push] release; [wait] acquire
  } while (!head_.compare_exchange_weak(old, reinterpret_cast<uintptr_t>(&node),
                                        kAcqRel, kRelaxed));
  if (is_waker(old)) adopt_waker(old).wake();
}

// Closed is final: only its count changes.
void WokenQueue::push_late(WokenNode& node) noexcept {
  // [free]
  const uintptr_t old = head_.fetch_sub(1 << kCountShift, kAcqRel);
  if (old >> kCountShift == 1) delete this;
  node.release();  // the poller's reference
}

WokenNode* WokenQueue::take_or_wait(const Waker& waker) {
  const uintptr_t head = head_.load(kRelaxed);
  if (nodes_of(head) == nullptr && wait(head, waker)) return nullptr;
  // Nobody else takes nodes away. [push] acquire
  return nodes_of(head_.exchange(0, kAcqRel));
}

bool WokenQueue::wait(uintptr_t head, const Waker& waker) {
  if (is_waker(head)) {
    // Only compared: a wake may have taken it.
    Waker waiting = adopt_waker(head);
    const bool is_same = waiting.will_wake(waker);
    std::move(waiting).leak();
    if (is_same) return true;
  }
  Waker kept = waker;
  const uintptr_t waiting =
      reinterpret_cast<uintptr_t>(std::move(kept).leak()) | kWaiting;
  do {
    if (head_.compare_exchange_weak(head, waiting, kAcqRel, kRelaxed)) {
      if (is_waker(head)) Waker replaced = adopt_waker(head);
      return true;  // [wait] release
    }
  } while (nodes_of(head) == nullptr);
  Waker unused = adopt_waker(waiting);
  return false;
}

void WokenQueue::notify() noexcept {
  uintptr_t old = head_.load(kRelaxed);
  while (is_waker(old)) {
    if (head_.compare_exchange_weak(old, 0, kAcqRel, kRelaxed)) {  // [wait]
      adopt_waker(old).wake();
      return;
    }
  }
}

void WokenQueue::close(std::size_t owed) noexcept {
  for (;;) {
    const uintptr_t old = head_.exchange(0, kAcqRel);  // [push] acquire
    if (is_waker(old)) Waker unused = adopt_waker(old);
    for (WokenNode* node = nodes_of(old); node != nullptr; --owed) {
      WokenNode* const next = node->next_woken;
      node->release();
      node = next;
    }
    if (owed == 0) break;
    uintptr_t empty = 0;
    const uintptr_t closed = (owed << kCountShift) | kClosed;
    // [free]
    if (head_.compare_exchange_strong(empty, closed, kAcqRel, kRelaxed)) return;
  }
  delete this;
}

void WokenNode::wake() noexcept {
  // [wake] release, also where QUEUED is set
  if ((word_.fetch_or(kQueued, kAcqRel) & kQueued) == 0) queue_->push(*this);
}

void WokenNode::wake_and_release() noexcept {
  wake();
  release();
}

void WokenNode::retain() noexcept {
  word_.fetch_add(kReference, kRelaxed);  // by who holds one
}

void WokenNode::release() noexcept {
  const uint32_t old = word_.fetch_sub(kReference, kAcqRel);  // [free]
  EDDY_DCHECK(old >= kReference);
  if (old < 2 * kReference) free();
}

bool WokenNode::end() {
  // After this no wake queues the node.
  if ((word_.fetch_or(kQueued, kAcqRel) & kQueued) != 0) return true;
  release();
  return false;
}

}  // namespace eddy::combinators
