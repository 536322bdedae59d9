// What becomes of an operation, in one atomic word that up to three share: the
// future that waits for it, the carrier that sees it done (a ring, or a thread
// of the blocking pool), and a cancellation that is on its way to the kernel.
//
//   bit  0        1      2       3     4        5
//        STARTED  WAKER  ENDING  DONE  DROPPED  CANCEL
//
// STARTED: the kernel, or a thread, is at it; before, it is in a queue. WAKER:
// the waker's slot is full, and the carrier may take it. ENDING: the carrier
// has taken it, and the result comes in a moment. DONE: the result is there,
// and the carrier has let go. DROPPED: the future is gone. CANCEL: a
// cancellation points at the record.
//
//   from              by              to                 the caller must
//   ----------------  --------------  -----------------  ---------------------
//   the future:
//   not ENDING        offer_waker()   | WAKER            wait; the slot is full
//   ENDING, DONE      offer_waker()   unchanged          look again
//   not ENDING        reclaim()       ~ WAKER            own the slot
//   ENDING, DONE      reclaim()       unchanged          not touch the slot
//   queued            drop()          | DROPPED          -
//   STARTED           drop(kCancel)   | DROPPED, CANCEL  have it cancelled
//   STARTED           drop(kLetRun)   | DROPPED          -
//   ENDING            drop()          | DROPPED          -
//   DONE              drop()          unchanged          destroy the record
//   the carrier:
//   queued            start()         | STARTED          carry it out
//   queued, DROPPED   start()         unchanged          end it, cancelled
//   STARTED           unstart()       ~ STARTED          queue it once more
//   DROPPED           unstart()       unchanged          end it, cancelled
//   not ENDING        begin_end()     ~ WAKER, | ENDING  take the waker if
//                                                        there is one; if
//                                                        DROPPED, discard the
//                                                        result
//   ENDING            end()           | DONE             wake
//   ENDING, DROPPED   end()           | DONE             discard the result, if
//                                                        not yet; destroy the
//                                                        record if no CANCEL
//   the cancellation:
//   CANCEL            end_cancel()    ~ CANCEL           destroy the record if
//                                                        DONE
//
// So the record is destroyed by the last of the three, and once. A result is
// discarded by the carrier if the future was dropped before DONE, and else by
// the future. After end(), drop() and end_cancel(), whoever has no duty must
// not touch the record any more.
//
// Memory order: every edge is an acq_rel read-modify-write.
//   [result] end() -> is_done(), drop(): the result, and all that the carrier
//            and the kernel wrote.
//   [waker]  offer_waker() -> begin_end(): the slot is filled.
//   [start]  start() -> begin_end(): what one carrier's thread prepared,
//            another one ends.
//   [end]    end() -> end_cancel() and back: who destroys sees all the others'
//            last steps.
//
// Threads: the future's edges by its task, the carrier's by one thread at a
//          time, end_cancel() by any.
#ifndef EDDY_REACTOR_OPERATION_STATE_H_
#define EDDY_REACTOR_OPERATION_STATE_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/check.h"

namespace eddy::reactor {

class OperationState {
 public:
  OperationState() = default;
  OperationState(const OperationState&) = delete;
  OperationState& operator=(const OperationState&) = delete;

  // By whoever has the record alone: for another time.
  void reset() { word_.store(0, std::memory_order_relaxed); }

  // The future's.

  bool is_done() const {
    return (word_.load(std::memory_order_acquire) & kDone) != 0;  // [result]
  }
  [[nodiscard]] bool offer_waker() {
    uint32_t old = word_.load(std::memory_order_relaxed);
    do {
      EDDY_DCHECK((old & (kWaker | kDropped)) == 0);
      if ((old & kEnding) != 0) return false;
      // [waker] release
    } while (!exchange(old, old | kWaker));
    return true;
  }
  [[nodiscard]] bool reclaim() {
    return (word_.fetch_and(~kWaker, kAcqRel) & kEnding) == 0;
  }
  enum class Drop : uint8_t { kNothing, kCancel, kDestroy };
  enum class IfStarted : uint8_t { kCancel, kLetRun };
  [[nodiscard]] Drop drop(IfStarted if_started) {
    uint32_t old = word_.load(std::memory_order_acquire);
    for (;;) {
      EDDY_DCHECK((old & kDropped) == 0);
      if ((old & kDone) != 0) return Drop::kDestroy;  // [result] acquire
      const bool cancels = (old & (kStarted | kEnding)) == kStarted &&
                           if_started == IfStarted::kCancel;
      const uint32_t next = old | kDropped | (cancels ? kCancel : 0);
      if (exchange(old, next)) {
        return cancels ? Drop::kCancel : Drop::kNothing;
      }
    }
  }

  // The carrier's.

  [[nodiscard]] bool start() {
    const uint32_t old = word_.fetch_or(kStarted, kAcqRel);  // [start] release
    EDDY_DCHECK((old & (kStarted | kEnding)) == 0);
    return (old & kDropped) == 0;
  }
  [[nodiscard]] bool unstart() {
    uint32_t old = word_.load(std::memory_order_relaxed);
    do {
      EDDY_DCHECK((old & (kStarted | kEnding)) == kStarted);
      if ((old & kDropped) != 0) return false;
    } while (!exchange(old, old & ~kStarted));
    return true;
  }
  struct Ending {
    bool has_waker;
    bool is_dropped;
  };
  [[nodiscard]] Ending begin_end() {
    uint32_t old = word_.load(std::memory_order_relaxed);
    // [waker] [start] acquire
    while (!exchange(old, (old & ~kWaker) | kEnding)) {
    }
    EDDY_DCHECK((old & kEnding) == 0, "an operation ends twice");
    return {.has_waker = (old & kWaker) != 0,
            .is_dropped = (old & kDropped) != 0};
  }
  struct End {
    bool is_dropped;
    bool must_destroy;
  };
  [[nodiscard]] End end() {
    // [result] [end] release, [end] acquire
    const uint32_t old = word_.fetch_or(kDone, kAcqRel);
    const bool is_dropped = (old & kDropped) != 0;
    return {.is_dropped = is_dropped,
            .must_destroy = is_dropped && (old & kCancel) == 0};
  }

  // The cancellation's. relaxed: of one that was handed on.

  bool is_cancelled() const {
    return (word_.load(std::memory_order_relaxed) & kCancel) != 0;
  }
  [[nodiscard]] bool end_cancel() {
    // [end] release, acquire
    return (word_.fetch_and(~kCancel, kAcqRel) & kDone) != 0;
  }

 private:
  static constexpr uint32_t kStarted = 1, kWaker = 2, kEnding = 4, kDone = 8,
                            kDropped = 16, kCancel = 32;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;

  bool exchange(uint32_t& old, uint32_t next) {
    return word_.compare_exchange_weak(old, next, kAcqRel,
                                       std::memory_order_acquire);
  }

  std::atomic<uint32_t> word_{0};
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_OPERATION_STATE_H_
