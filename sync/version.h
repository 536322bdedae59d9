// Version: a number that only grows, and those who wait until it does. What
// watch, broadcast and Barrier are made of.
//
//   bit   0       1        2..63
//         CLOSED  WAITERS  the number
//
// WAITERS is set while the list is not empty. It changes under the lock, which
// guards the list.
//
//   from     by            to                        the caller must
//   -------  ------------  ------------------------  ----------------------
//   open     step()        +1                        -
//   WAITERS  step()        +1                        call wake_waiters()
//   any      stop()        CLOSED                    call wake_waiters()
//   as seen  poll, locked  WAITERS                   link its node
//   WAITERS  wake, locked  ~WAITERS if all are due   wake them after the lock
//
// Why nobody sleeps beside a number that has come: whoever goes to wait sets
// WAITERS by an exchange that fails if there was a step since it looked; and a
// step learns in the same moment whether WAITERS was set. Who waits for a later
// number stands behind those who wait for an earlier one, since nobody is
// linked but for the number of that moment.
//
// Memory order: every edge of the word is an acq_rel read-modify-write.
//   [step]  step(), stop() -> look(), poll: what was written before, who sees
//           the number sees.
//   [woken] wake -> poll, end of the wait: the node is free.
//
// Threads: any. A Wait belongs to one task.
// Cancel:  a dropped Wait is unlinked; nothing else happens.
// Owner:   outlives its Waits and every call in progress.
#ifndef EDDY_SYNC_VERSION_H_
#define EDDY_SYNC_VERSION_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"
#include "sync/waker_batch.h"

namespace eddy::sync {

class Version {
 public:
  class Wait;
  // The number, and whether it has stopped, at one moment.
  struct Look {
    uint64_t number;
    bool is_closed;
  };

  Version() {}
  Version(const Version&) = delete;
  Version& operator=(const Version&) = delete;

  Look look() const {
    const uint64_t word = word_.load(kAcquire);  // [step] acquire
    return {word / kStep, (word & kClosed) != 0};
  }
  uint64_t now() const { return look().number; }
  bool is_closed() const { return look().is_closed; }

  // True: somebody waits. Then call wake_waiters(), under no lock.
  [[nodiscard]] bool step() {
    // [step] release
    return (word_.fetch_add(kStep, kAcqRel) & kWaiters) != 0;
  }
  void wake_waiters();
  // There are no more steps. Then call wake_waiters(): that ends all waits.
  void stop() { word_.fetch_or(kClosed, kAcqRel); }  // [step] release
  void close() {
    stop();
    wake_waiters();
  }

 private:
  static constexpr uint64_t kClosed = 1, kWaiters = 2, kStep = 4;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  Poll<bool> poll_slowly(Wait& wait, uint64_t seen, Context& cx);
  void end_wait(Wait& wait);
  // True if the batch is full, and there may be more who are due.
  bool take_due(WakerBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  std::atomic<uint64_t> word_{0};
  base::SpinLock lock_;
  WaitList waiters_ ABSL_GUARDED_BY(lock_);
};

// A part of a future: may be polled with one number after the other, and moved
// until the first poll.
class Version::Wait : private WaitNode {
 public:
  explicit Wait(Version& version) : version_(version) {}
  Wait(Wait&& other) noexcept
      : WaitNode(std::move(other)), version_(other.version_) {}
  ~Wait() { leave(); }

  // True: the number is not `seen` any more. False: it is, and stays so.
  Poll<bool> poll(uint64_t seen, Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    const Look look = version_.look();
    if (look.number == seen && !look.is_closed) {
      return version_.poll_slowly(*this, seen, cx);
    }
    leave();
    cx.spend();
    return look.number != seen;
  }

 private:
  friend class Version;

  void leave() {
    // [woken] acquire
    if (waits_.load(std::memory_order_acquire)) version_.end_wait(*this);
  }

  // Linked. Goes to true under the lock, by this task; first, where the base
  // has room for it.
  std::atomic<bool> waits_{false};
  Version& version_;
  uint64_t seen_ = 0;  // guarded by version_.lock_
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_VERSION_H_
