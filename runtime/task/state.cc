#include "runtime/task/state.h"

#include "runtime/base/check.h"

namespace eddy::task {

AtStart State::start() {
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

AtSuspend State::suspend() {
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

Duty State::wake() {
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

Duty State::wake_consuming() {
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

Duty State::cancel() {
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

State::Completion State::complete(bool outcome_destroyed, uint64_t references,
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

bool State::publish_join_waker() {
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

bool State::reclaim_join_waker() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    if ((old & kComplete) != 0 || (old & kJoinWaker) == 0) return false;
    if (word_.compare_exchange_weak(old, old & ~kJoinWaker, kAcqRel,
                                    kAcquire)) {
      return true;
    }
  }
}

State::Disinterest State::drop_join_interest() {
  uint64_t old = word_.load(kAcquire);
  for (;;) {
    // [done] acquire
    if ((old & kComplete) != 0)
      return {.drop_outcome = true, .drop_waker = false};
    if (word_.compare_exchange_weak(old, old & ~(kJoinInterest | kJoinWaker),
                                    kAcqRel, kAcquire)) {
      return {.drop_outcome = false, .drop_waker = (old & kJoinWaker) != 0};
    }
  }
}

}  // namespace eddy::task
