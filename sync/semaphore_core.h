// The part of a semaphore that others are made of as well: a number of permits,
// and a queue of those who wait for some.
//
//   bit   0       1        2..63
//         CLOSED  WAITERS  number of free permits
//
// WAITERS is set while the queue is not empty. It changes under the spin lock,
// which guards the queue. Permits are handed to whoever has waited longest: while
// WAITERS is set nobody else takes any, so an acquire of many starves behind none
// of few.
//
//   from      by              to                     the caller must
//   --------  --------------  ---------------------  ------------------------
//   enough    try_acquire(n)  -n permits             -
//   too few   poll, locked    WAITERS                link its node
//   WAITERS   poll, locked    the same               link its node
//   free      release(n)      +n permits             -
//   WAITERS   release(n)      +n permits, WAITERS    lock, and hand out
//   WAITERS   hand out        -n permits for each    wake them after the lock
//                             who is served, and
//                             ~WAITERS if all are
//   any       close(), locked CLOSED, ~WAITERS       wake all who wait
//
// Why no permit is left beside a waiter: whoever goes to wait sets WAITERS by
// an exchange that fails if permits came since it looked; and who adds permits
// learns in the same step whether WAITERS was set.
//
// A node that was served says so in its own state: its future reads that
// without the lock, and may be gone right afterwards, so the state is the last
// thing that is written to it.
//
// Memory order: every edge of the word is an acq_rel read-modify-write.
//   [permit] release() -> try_acquire(), or hand out -> [granted] -> poll: what
//            was written before a release, who gets the permits sees.
//   [granted] hand out -> poll, end of the wait: the node is free.
//
// Threads: any. A Wait belongs to one task.
// Owner:   outlives its Waits and every call in progress.
#ifndef EDDY_SYNC_SEMAPHORE_CORE_H_
#define EDDY_SYNC_SEMAPHORE_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "runtime/base/backoff.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"
#include "sync/waker_batch.h"

namespace eddy::sync {

class SemaphoreCore {
 public:
  class Wait;

  static constexpr uint64_t kMaxPermits = (uint64_t{1} << 61) - 1;

  explicit SemaphoreCore(uint64_t permits) : word_(permits * kPermit) {}
  SemaphoreCore(const SemaphoreCore&) = delete;
  SemaphoreCore& operator=(const SemaphoreCore&) = delete;

  // False if there are too few, or others wait, or it is closed. `count`, as in
  // a Wait: at most kMaxPermits.
  [[nodiscard]] bool try_acquire(uint64_t count) {
    // relaxed: an exchange follows, or nothing is read.
    uint64_t now = word_.load(std::memory_order_relaxed);
    while ((now & (kClosed | kWaiters)) == 0 && now >= count * kPermit) {
      if (word_.compare_exchange_weak(now, now - count * kPermit, kAcqRel,
                                      std::memory_order_relaxed)) {
        return true;  // [permit] acquire
      }
      base::back_off(word_);
      now = word_.load(std::memory_order_relaxed);
    }
    return false;
  }

  // `count`: at most kMaxPermits, as is the sum, or the process ends.
  void release(uint64_t count) {
    const uint64_t added = count * kPermit;
    // [permit] release
    const uint64_t sum = word_.fetch_add(added, kAcqRel) + added;
    if ((sum & (kWaiters | kTooMany)) != 0) [[unlikely]] {
      see_to_release(sum);
    }
  }

  // Takes away what is free, at most `count`; gives how many that were.
  uint64_t forget(uint64_t count);
  // Nobody acquires any more; who waits is told.
  void close();

  bool is_closed() const { return (word_.load(kAcquire) & kClosed) != 0; }
  bool has_waiters() const { return (word_.load(kAcquire) & kWaiters) != 0; }
  uint64_t available() const { return word_.load(kAcquire) / kPermit; }

 private:
  // Of a Wait. Up to kDone it has nothing to give back.
  enum class State : uint8_t { kNew, kDone, kWaiting, kGranted, kClosed };
  static constexpr uint64_t kClosed = 1, kWaiters = 2, kPermit = 4;
  // Set in the sum of two numbers of permits, where it exceeds kMaxPermits.
  static constexpr uint64_t kTooMany = (kMaxPermits + 1) * kPermit;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  Poll<bool> poll_slowly(Wait& wait, Context& cx);
  // Takes permits, or sets WAITERS: kWaiting, then link the node.
  State acquire_or_announce(uint64_t count)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);
  void end_wait(Wait& wait);
  void see_to_release(uint64_t word);
  void hand_out();
  // True if the batch is full, and there may be more to serve.
  bool serve(WakerBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);
  Waker unlink(Wait& wait, State state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_lock_);

  std::atomic<uint64_t> word_;
  base::SpinLock queue_lock_;
  WaitList waiters_ ABSL_GUARDED_BY(queue_lock_);
};

// A Future of bool: true if the permits are the caller's, false if the
// semaphore is closed. Permits that come to a Wait which is dropped go to the
// next. May be moved until its first poll.
class [[nodiscard]] SemaphoreCore::Wait : private WaitNode {
 public:
  using Output = bool;

  Wait(SemaphoreCore& core, uint64_t count) : core_(core), count_(count) {}
  Wait(Wait&& other) noexcept
      : WaitNode(std::move(other)), core_(other.core_), count_(other.count_) {}
  ~Wait() {
    // relaxed: up to kDone the state is this thread's own.
    if (state_.load(std::memory_order_relaxed) > State::kDone) {
      core_.end_wait(*this);
    }
  }

  Poll<bool> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    // relaxed: kNew is this thread's own.
    if (state_.load(std::memory_order_relaxed) == State::kNew &&
        core_.try_acquire(count_)) [[likely]] {
      state_.store(State::kDone, std::memory_order_relaxed);
      cx.spend();
      return true;
    }
    return core_.poll_slowly(*this, cx);
  }

 private:
  friend class SemaphoreCore;

  SemaphoreCore& core_;
  const uint64_t count_;
  // kWaiting while linked.
  std::atomic<State> state_{State::kNew};
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_SEMAPHORE_CORE_H_
