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
// waits, the next one: one permit is kept, and no more than one.
// notify_waiters() ends all waits that have been made, polled or not, and keeps
// no permit.
//
// Threads: any; a Notified belongs to one task. What was written before the
//          notification, whoever it ends up with sees.
// Cancel:  destroying a Notified gives up its place; a notify_one() that it had
//          received, and nobody has seen, goes to the next.
// Errors:  none.
// Owner:   a Notify outlives its waits and every call in progress. A Notified
//          may be moved until its first poll.
//
// The permit is that of Tokio's Notify.
#ifndef EDDY_SYNC_NOTIFY_H_
#define EDDY_SYNC_NOTIFY_H_

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"

namespace eddy::sync {

class Notify {
 public:
  class Notified;

  Notify() {}
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  // A Future of void.
  Notified notified();
  void notify_one();
  void notify_waiters();

 private:
  Poll<void> poll_notified(Notified& wait, Context& cx);
  void forget(Notified& wait);
  uint64_t broadcasts();
  std::optional<Waker> take_waiter_before(uint64_t broadcast);
  // Hands on a permit: gives whom to wake.
  Waker pass_permit() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  base::Mutex mutex_;
  bool permit_ ABSL_GUARDED_BY(mutex_) = false;  // then nobody waits
  uint64_t broadcasts_ ABSL_GUARDED_BY(mutex_) = 0;
  WaitList waiters_ ABSL_GUARDED_BY(mutex_);
};

class [[nodiscard]] Notify::Notified : private WaitNode {
 public:
  using Output = void;

  explicit Notified(Notify& notify)
      : notify_(notify), made_at_(notify.broadcasts()) {}
  Notified(Notified&&) = default;
  ~Notified() { notify_.forget(*this); }

  Poll<void> poll(Context& cx) { return notify_.poll_notified(*this, cx); }

 private:
  friend class Notify;

  // Of a notify_one(), not yet seen; guarded by notify_.mutex_. First, where
  // the base has room for it.
  bool has_permit_ = false;
  Notify& notify_;
  const uint64_t made_at_;  // how many notify_waiters() there had been
};
static_assert(sizeof(Notify::Notified) <= 6 * sizeof(void*));

inline Notify::Notified Notify::notified() { return Notified(*this); }

}  // namespace eddy::sync

#endif  // EDDY_SYNC_NOTIFY_H_
