// Event: a one-shot gate that many tasks may wait for.
//
//   eddy::sync::Event ready;
//   co_await ready.wait();  // in any number of tasks
//   ready.set();            // somewhere, once
//
// Threads: wait() and set() by any; a Wait belongs to one task. What was
//          written before set(), whoever waited sees.
// Cancel:  destroying a Wait unlinks it; nothing else happens.
// Errors:  none.
// Owner:   an Event outlives its Waits and every set() in progress. A Wait may
//          be moved until its first poll.
#ifndef EDDY_SYNC_EVENT_H_
#define EDDY_SYNC_EVENT_H_

#include <optional>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "sync/wait_list.h"

namespace eddy::sync {

class Event {
 public:
  class Wait;

  Event() {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // A Future of void.
  Wait wait();
  // On a thread that may block.
  void blocking_wait();
  // Opens the gate for good.
  void set();
  bool is_set() const;

 private:
  Poll<void> poll_wait(WaitNode& node, Context& cx);
  void forget(WaitNode& node);
  std::optional<Waker> open_and_take_one();

  mutable base::Mutex mutex_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
  WaitList waiters_ ABSL_GUARDED_BY(mutex_);
};

// The future is a list node and nothing else; Event has the logic.
class [[nodiscard]] Event::Wait {
 public:
  using Output = void;

  explicit Wait(Event& event) : event_(event) {}
  Wait(Wait&&) = default;
  ~Wait() { event_.forget(node_); }  // this is the cancellation

  Poll<void> poll(Context& cx) { return event_.poll_wait(node_, cx); }

 private:
  Event& event_;
  WaitNode node_;
};

inline Event::Wait Event::wait() { return Wait(*this); }

}  // namespace eddy::sync

#endif  // EDDY_SYNC_EVENT_H_
