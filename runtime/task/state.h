// The life of a task, in one atomic word.
//
//   bit   0        1         2         3          4              5
//         RUNNING  COMPLETE  NOTIFIED  CANCELLED  JOIN_INTEREST  JOIN_WAKER
//   bits  8..31    JOIN_TICKET, which each publish_join_waker() raises
//   bits  32..63   number of references
//
// RUNNING is a lock on the future: it is set while the task is queued or being
// polled, and whoever holds the one queue entry holds the lock. NOTIFIED: a
// wake came since the last poll began. CANCELLED: the future is to be
// destroyed, not polled. COMPLETE is final: the future is gone and the outcome
// is written. JOIN_INTEREST: a JoinHandle exists. JOIN_WAKER: the completer
// owns the joiner's waker; while it is clear, the JoinHandle owns the slot.
//
// References are held by: the queue entry (or the poll in progress), the list
// of live tasks (until complete(); by whoever holds RUNNING until the task is
// in the list), each Waker and AbortHandle, the JoinHandle.
//
//   from                by          to                     the caller must
//   ------------------  ----------  ---------------------  ------------------
//   -                   (spawn)     RUNNING                submit the task
//   idle                wake()      RUNNING, +1 ref        submit the task
//   RUNNING             wake()      RUNNING | NOTIFIED     -
//   COMPLETE            wake()      COMPLETE               -
//   RUNNING             start()     RUNNING, ~NOTIFIED     poll the future
//   RUNNING, CANCELLED  start()     the same               destroy the future
//   RUNNING             suspend()   idle, -1 ref           forget the task
//   RUNNING | NOTIFIED  suspend()   RUNNING                submit the task
//   RUNNING, CANCELLED  suspend()   the same               destroy the future
//   idle                cancel()    RUNNING|CANCELLED, +1  submit the task
//   RUNNING             cancel()    | CANCELLED, NOTIFIED  -
//   COMPLETE            cancel()    COMPLETE               -
//   RUNNING             complete()  COMPLETE, -n refs      wake the joiner
//   RUNNING, alone      -           -                      drop outcome, free
//   no JOIN_WAKER       detach      ~JOIN_INTEREST, -1 ref -
//   JOIN_WAKER          detach      neither of the two     drop waker, release
//   COMPLETE            detach      COMPLETE               drop outcome, release
//
// The ticket is there for complete(), which reads the joiner's waker and then
// ends the task in one exchange: were the waker replaced in between, the word
// would look the same without it, and a waker be called that is gone.
//
// Memory order: every edge but start() without NOTIFIED, and suspend() of what
// is to be destroyed at once, is an acq_rel read-modify-write, so all of them
// lie in one release sequence, on which rest:
//   [poll] suspend() -> start(): what one poll wrote, the next poll sees.
//   [wake] wake() -> start(), suspend(): what the waker wrote, the poll sees.
//          It holds also where wake() changes no bit: it must not be shortened
//          to a load that finds NOTIFIED set.
//   [done] complete() -> join: what the task wrote, the joiner sees.
//   [free] release() -> the last release(): nobody uses the memory any more.
// start() may do with a load (acquire): where that finds no NOTIFIED, the last
// edge was the wake() or spawn that queued the task. A wake() that comes after
// the load sets NOTIFIED, and suspend() finds it.
//
// After Tokio's runtime/task/state.rs; that RUNNING covers the time in the
// queue too saves one read-modify-write per poll.
#ifndef EDDY_RUNTIME_TASK_STATE_H_
#define EDDY_RUNTIME_TASK_STATE_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/check.h"
#include "runtime/task/waker.h"

namespace eddy::task {

enum class Duty : uint8_t { kNone, kSubmit };
enum class AtStart : uint8_t { kPoll, kDestroy };
enum class AtSuspend : uint8_t { kForget, kSubmit, kDestroy };

class State {
 public:
  // As spawned: queued, with references for the queue entry, the list of live
  // tasks and the JoinHandle.
  State() : word_(kRunning | kJoinInterest | 3 * kRef) {}

  // By whoever took the queue entry.
  [[nodiscard]] AtStart start();
  [[nodiscard]] AtSuspend suspend();

  // The caller holds a reference and keeps it. kSubmit: a further reference was
  // made, for the queue entry.
  [[nodiscard]] Duty wake();
  // The caller's reference becomes the queue entry's (kSubmit), or is still the
  // caller's (kNone).
  [[nodiscard]] Duty wake_consuming();
  // As wake(): kSubmit comes with a reference.
  [[nodiscard]] Duty cancel();
  // True once cancel() was called before the end.
  bool is_cancelled() const { return has(kCancelled); }

  // The future is gone and the outcome written: ends the task and drops
  // `references`. If nobody wants the outcome it answers "not done": the caller
  // destroys the outcome and calls again, since after the end the memory may be
  // gone at any time. For that reason too it reads `join_waker`, the slot,
  // before.
  struct Completion {
    bool done = false;
    bool last = false;           // no reference is left: free the task
    Wakeable* joiner = nullptr;  // a reference to whom to wake
  };
  [[nodiscard]] Completion complete(bool outcome_destroyed, uint64_t references,
                                    const std::atomic<Wakeable*>& join_waker);

  // The caller's `references` are all that there are, and nobody wants the
  // outcome: the task needs no complete(), since nobody would see it. As in
  // release(), a load will do.
  bool is_alone(uint64_t references) const {
    const uint64_t word = word_.load(kAcquire);  // [free]
    return (word & kJoinInterest) == 0 && word >> kRefShift == references;
  }

  bool is_complete() const { return has(kComplete); }  // [done] acquire

  // The JoinHandle's side. publish: the slot is written, the completer owns it;
  // false if the task is complete. reclaim: the JoinHandle owns the slot again;
  // false if the task is complete, or no waker was published.
  [[nodiscard]] bool publish_join_waker();
  [[nodiscard]] bool reclaim_join_waker();
  struct Disinterest {
    bool drop_outcome = false;  // complete: it is the caller's to destroy
    bool drop_waker = false;    // the one in the slot is the caller's again
    // Nothing is left to do, and the reference is gone as well, in the same
    // exchange: that of a task which runs on is never the last. Else it is the
    // caller's to release.
    bool released = false;
  };
  // The JoinHandle goes away.
  Disinterest drop_join_interest();

  void retain() {
    // relaxed: a reference is only made from a reference.
    word_.fetch_add(kRef, std::memory_order_relaxed);
  }
  // True: it was the last one, free the task. A sole owner has nobody to
  // order with but those who released before, hence a load will do.
  [[nodiscard]] bool release() {
    if (word_.load(kAcquire) >> kRefShift == 1) return true;  // [free]
    return word_.fetch_sub(kRef, kAcqRel) >> kRefShift == 1;  // [free]
  }

 private:
  static constexpr uint64_t kRunning = 1, kComplete = 2, kNotified = 4,
                            kCancelled = 8, kJoinInterest = 16, kJoinWaker = 32;
  static constexpr uint64_t kTicket = uint64_t{1} << 8;
  static constexpr uint64_t kTicketMask = 0xffffff * kTicket;
  static constexpr int kRefShift = 32;
  static constexpr uint64_t kRef = uint64_t{1} << kRefShift;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  bool has(uint64_t bit) const { return (word_.load(kAcquire) & bit) != 0; }

  std::atomic<uint64_t> word_;
};

// Inline, since a spawn and its join pass five of them.

inline AtStart State::start() {
  uint64_t old = word_.load(kAcquire);  // [poll] [wake] acquire
  EDDY_DCHECK((old & kRunning) != 0 && (old & kComplete) == 0,
              "a task was queued twice");
  if ((old & kCancelled) != 0) return AtStart::kDestroy;
  if ((old & kNotified) != 0) {
    old = word_.fetch_and(~kNotified, kAcqRel);  // [poll] [wake] acquire
    if ((old & kCancelled) != 0) return AtStart::kDestroy;
  }
  return AtStart::kPoll;
}

inline AtSuspend State::suspend() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    EDDY_DCHECK((old & kRunning) != 0, "a task is suspended that did not run");
    if ((old & kCancelled) != 0) return AtSuspend::kDestroy;
    const bool notified = (old & kNotified) != 0;
    const uint64_t next =
        notified ? old & ~kNotified : (old & ~kRunning) - kRef;
    // [poll] release; [wake] acquire, and fails if a wake() came meanwhile
    if (word_.compare_exchange_weak(old, next, kAcqRel, kAcquire)) {
      return notified ? AtSuspend::kSubmit : AtSuspend::kForget;
    }
  }
}

inline Duty State::wake() {
  uint64_t old = word_.load(std::memory_order_relaxed);
  for (;;) {
    if ((old & kComplete) != 0) return Duty::kNone;
    const bool idle = (old & kRunning) == 0;
    const uint64_t next = idle ? (old | kRunning) + kRef : old | kNotified;
    // [wake] release, also where next == old
    if (word_.compare_exchange_weak(old, next, kAcqRel,
                                    std::memory_order_relaxed)) {
      return idle ? Duty::kSubmit : Duty::kNone;
    }
  }
}

inline Duty State::wake_consuming() {
  uint64_t old = word_.load(std::memory_order_relaxed);
  for (;;) {
    if ((old & kComplete) != 0) return Duty::kNone;
    const bool idle = (old & kRunning) == 0;
    // [wake] release, also where the word does not change
    if (word_.compare_exchange_weak(old, old | (idle ? kRunning : kNotified),
                                    kAcqRel, std::memory_order_relaxed)) {
      return idle ? Duty::kSubmit : Duty::kNone;
    }
  }
}

inline Duty State::cancel() {
  uint64_t old = word_.load(std::memory_order_relaxed);
  for (;;) {
    if ((old & (kComplete | kCancelled)) != 0) return Duty::kNone;
    const bool idle = (old & kRunning) == 0;
    const uint64_t next = idle ? (old | kRunning | kCancelled) + kRef
                               : old | kNotified | kCancelled;
    if (word_.compare_exchange_weak(old, next, kAcqRel,
                                    std::memory_order_relaxed)) {
      return idle ? Duty::kSubmit : Duty::kNone;
    }
  }
}

inline State::Completion State::complete(
    bool outcome_destroyed, uint64_t references,
    const std::atomic<Wakeable*>& join_waker) {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    if ((old & kJoinInterest) == 0 && !outcome_destroyed) return {};
    // Read before the end. If the JoinHandle takes the slot back meanwhile, the
    // exchange fails, also where it has published another waker since: the
    // ticket differs. relaxed: `old` was acquired.
    Wakeable* joiner = (old & kJoinWaker) != 0
                           ? join_waker.load(std::memory_order_relaxed)
                           : nullptr;
    const uint64_t next =
        ((old & ~(kRunning | kNotified | kJoinWaker)) | kComplete) -
        references * kRef;
    // [done] release; [free]
    if (word_.compare_exchange_weak(old, next, kAcqRel, kAcquire)) {
      return {.done = true, .last = next >> kRefShift == 0, .joiner = joiner};
    }
  }
}

inline bool State::publish_join_waker() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    EDDY_DCHECK((old & kJoinInterest) != 0 && (old & kJoinWaker) == 0,
                "the joiner's waker slot is taken");
    if ((old & kComplete) != 0) return false;
    const uint64_t ticket = (old + kTicket) & kTicketMask;
    const uint64_t next = (old & ~kTicketMask) | ticket | kJoinWaker;
    if (word_.compare_exchange_weak(old, next, kAcqRel, kAcquire)) return true;
  }
}

inline bool State::reclaim_join_waker() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    if ((old & kComplete) != 0 || (old & kJoinWaker) == 0) return false;
    if (word_.compare_exchange_weak(old, old & ~kJoinWaker, kAcqRel,
                                    kAcquire)) {
      return true;
    }
  }
}

inline State::Disinterest State::drop_join_interest() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    // [done] acquire
    if ((old & kComplete) != 0) return {.drop_outcome = true};
    const bool waker = (old & kJoinWaker) != 0;
    const uint64_t next =
        (old & ~(kJoinInterest | kJoinWaker)) - (waker ? 0 : kRef);
    if (word_.compare_exchange_weak(old, next, kAcqRel, kAcquire)) {
      return {.drop_waker = waker, .released = !waker};
    }
  }
}

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_STATE_H_
