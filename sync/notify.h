// Notify: tells a task that there is something to do.
//
//   eddy::sync::Notify work;
//
//   for (;;) {                         // the consumer
//     co_await work.notified();
//     while (auto job = take_job()) run(*job);
//   }
//
//   add_job(job);                      // a producer
//   work.notify_one();
//
// notify_one() lets one wait end: that of who has waited longest, or, if nobody
// waits, the next one: one permit is kept, and no more than one. notify_last()
// prefers who has waited shortest. notify_waiters() ends all waits that have
// been made, polled or not, and keeps no permit.
//
// A Notified takes its place when it is first polled, or by enable(). That is
// for a condition which others change, and then notify_waiters():
//
//   auto changed = queue.notified();  // a notify_waiters() counts from here on
//   if (queue_has_room()) co_return;
//   co_await changed;
//
// Where nobody waits and nobody must, each call is one atomic exchange.
//
//   bit   0       1        2..63
//         PERMIT  WAITERS  number of notify_waiters()
//
//   from     by                to                     the caller must
//   -------  ----------------  ---------------------  ------------------------
//   no wait  notify_one()      PERMIT                 -
//   PERMIT   poll()            ~PERMIT                -
//   no wait  poll(), locked    WAITERS                link its node
//   WAITERS  notify_one()      the same               lock, and serve one
//   WAITERS  serve, and there  ~WAITERS, PERMIT       -
//            is nobody, locked
//   any      notify_waiters()  +1                     WAITERS: lock, and serve
//                                                     who is due
//   WAITERS  serve those due,  ~WAITERS if none is    wake them after the lock
//            locked            left
//
// WAITERS is set while the list is not empty, and then there is no PERMIT. It
// changes under the lock, which guards the list. It may outlive the last who
// waited, until a notify_one() finds nobody: so two tasks that notify each
// other in turn don't change the word at all. A node that was served says so in
// its own state, which is the last thing that is written to it: its future
// reads that without the lock.
//
// Memory order: every edge of the word is an acq_rel read-modify-write.
//   [permit]   notify_*() -> poll(): what was written before is seen. Also by a
//              notify_one() that finds PERMIT set, so that must not be
//              shortened to a load.
//   [notified] serve -> poll(), end of the wait: the same, and the node is
//   free.
//
// Threads: any; a Notified belongs to one task. What was written before the
//          notification, whoever it ends up with sees.
// Cancel:  destroying a Notified gives up its place; a notify_one() that it had
//          received, and nobody has seen, goes to the next.
// Errors:  none.
// Owner:   a Notify outlives its waits and every call in progress. A Notified
//          may be moved until its first poll or enable().
//
// The permit is that of Tokio's Notify.
#ifndef EDDY_SYNC_NOTIFY_H_
#define EDDY_SYNC_NOTIFY_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"
#include "sync/waker_batch.h"

namespace eddy::sync {

class Notify {
 public:
  class Notified;

  Notify() {}
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  // A Future of void.
  Notified notified();
  // On a thread that may block.
  void blocking_wait();
  void notify_one() {
    if (!leave_permit()) serve_one(&WaitList::front);
  }
  void notify_last() {
    if (!leave_permit()) serve_one(&WaitList::back);
  }
  void notify_waiters();

 private:
  // Of a Notified. Up to kDone it has nothing to give back.
  enum class State : uint8_t { kNew, kDone, kWaiting, kHasPermit, kIsDue };
  static constexpr uint64_t kPermit = 1, kWaiters = 2, kBroadcast = 4;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  uint64_t broadcasts() const {
    return word_.load(kAcquire) / kBroadcast;  // [permit] acquire
  }
  // False: somebody waits.
  bool leave_permit() {
    uint64_t now = word_.load(kAcquire);
    while ((now & kWaiters) == 0) {
      // [permit] release
      if (word_.compare_exchange_weak(now, now | kPermit, kAcqRel, kAcquire)) {
        return true;
      }
    }
    return false;
  }
  // True: a wait that was made then may end, by a permit that it has taken, or
  // a notify_waiters().
  bool try_take(uint64_t made_at) {
    uint64_t now = word_.load(kAcquire);  // [permit] acquire
    while (now / kBroadcast == made_at) {
      if ((now & kPermit) == 0) return false;
      // [permit] acquire
      if (word_.compare_exchange_weak(now, now & ~kPermit, kAcqRel, kAcquire)) {
        return true;
      }
    }
    return true;
  }
  // The same, or sets WAITERS: kWaiting, then link the node.
  State take_or_announce(uint64_t made_at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Poll<void> poll_slowly(Notified& wait, Context& cx);
  // False: it is linked, with that waker.
  bool take_or_wait(Notified& wait, const Waker& waker);
  void end_wait(Notified& wait);

  void serve_one(WaitNode* (WaitList::*which)());
  // Those that a notify_waiters() has ended. True if the batch is full.
  bool serve_due(WakerBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  Waker unlink(Notified& wait, State state)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);
  // For the next who waits, as nobody does.
  void keep_permit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  std::atomic<uint64_t> word_{0};
  base::SpinLock lock_;
  WaitList waiters_ ABSL_GUARDED_BY(lock_);
};

class [[nodiscard]] Notify::Notified : private WaitNode {
 public:
  using Output = void;

  explicit Notified(Notify& notify)
      : notify_(notify), made_at_(notify.broadcasts()) {}
  Notified(Notified&& other) noexcept
      : WaitNode(std::move(other)),
        // relaxed: until it is linked, the state is this thread's own.
        state_(other.state_.load(std::memory_order_relaxed)),
        notify_(other.notify_),
        made_at_(other.made_at_) {
    other.state_.store(State::kDone, std::memory_order_relaxed);
  }
  ~Notified() {
    // relaxed: up to kDone the state is this thread's own.
    if (state_.load(std::memory_order_relaxed) > State::kDone) {
      notify_.end_wait(*this);
    }
  }

  // Takes its place, as if it were polled. True: poll() will be ready.
  bool enable();

  Poll<void> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    if (poll_now(cx).is_ready()) return kReady;
    return notify_.poll_slowly(*this, cx);
  }
  // See PollsNow.
  Poll<void> poll_now(Context& cx) {
    // relaxed: kNew is this thread's own.
    if (!cx.has_budget() ||
        state_.load(std::memory_order_relaxed) != State::kNew ||
        !notify_.try_take(made_at_)) {
      return kPending;
    }
    state_.store(State::kDone, std::memory_order_relaxed);
    cx.spend();
    return kReady;
  }

 private:
  friend class Notify;

  // kWaiting while linked. First, where the base has room for it.
  std::atomic<State> state_{State::kNew};
  Notify& notify_;
  const uint64_t made_at_;  // how many notify_waiters() there had been
};
static_assert(sizeof(Notify::Notified) <= 6 * sizeof(void*));

inline Notify::Notified Notify::notified() { return Notified(*this); }

}  // namespace eddy::sync

#endif  // EDDY_SYNC_NOTIFY_H_
