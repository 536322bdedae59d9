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
// of live tasks (until complete()), each Waker and AbortHandle, the JoinHandle.
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
//   It
//          holds also where wake() changes no bit: it must not be shortened to
//          a load that finds NOTIFIED set.
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

  bool is_complete() const { return has(kComplete); }  // [done] acquire

  // The JoinHandle's side. publish: the slot is written, the completer owns it;
  // false if the task is complete. reclaim: the JoinHandle owns the slot again;
  // false if the task is complete, or no waker was published.
  [[nodiscard]] bool publish_join_waker();
  [[nodiscard]] bool reclaim_join_waker();
  struct Disinterest {
    bool drop_outcome;  // complete: the outcome is the caller's to destroy
    bool drop_waker;    // the waker in the slot is the caller's again
  };
  // The JoinHandle goes away. Keeps its reference, for the caller to release.
  Disinterest drop_join_interest();

  void retain() {
    // relaxed: a reference is only made from a reference.
    word_.fetch_add(kRef, std::memory_order_relaxed);
  }
  // True: it was the last one, free the task.
  [[nodiscard]] bool release() {
    uint64_t old = word_.fetch_sub(kRef, kAcqRel);  // [free]
    return old >> kRefShift == 1;
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

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_STATE_H_
