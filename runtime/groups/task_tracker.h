// TaskTracker: waits for tasks that it keeps nothing of: for a server that, to
// end, asks its tasks to stop and waits until they have.
//
//   eddy::TaskTracker connections;
//   connections.spawn(serve(std::move(peer), stop)).detach();
//   ...
//   stop.cancel();                  // a CancellationToken
//   connections.close();
//   co_await connections.wait();    // until none is left
//
// Unlike a JoinSet it keeps no outcomes, so it does not grow with the tasks
// that have ended, and does not abort. Copies are the same tracker. wait()
// needs the close(), so that it does not end before the first task begins;
// tasks may be tracked afterwards as well.
//
// Threads: any; a Wait belongs to one task. What a task wrote, whoever waited
//          sees.
// Cancel:  a dropped Wait leaves nothing behind. A task that is aborted is no
//          longer tracked once its future is destroyed.
// Errors:  none.
// Owner:   tasks and waits keep what they need. A Wait may be moved until its
//          first poll.
//
// Tokio's TaskTracker.
#ifndef EDDY_RUNTIME_GROUPS_TASK_TRACKER_H_
#define EDDY_RUNTIME_GROUPS_TASK_TRACKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/handle.h"
#include "runtime/task/callable.h"
#include "runtime/task/cell.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"
#include "sync/notify.h"

namespace eddy {

class TaskTracker {
 public:
  class Token;
  template <Future F>
  class Tracked;
  class Wait;

  TaskTracker() : state_(std::make_shared<State>()) {}

  // Starts a task on the runtime around the caller, and tracks it.
  template <task::Spawnable S>
  auto spawn(S&& future) const {
    return task::launch(context::services("TaskTracker::spawn()").scheduler,
                        track(std::forward<S>(future)));
  }
  // The same on another runtime, from anywhere.
  template <task::Spawnable S>
  auto spawn_on(const Handle& runtime, S&& future) const {
    return task::launch(runtime.scheduler(), track(std::forward<S>(future)));
  }
  // A future that is tracked until it is destroyed. Takes what select() takes.
  template <task::ChildLike S>
  Tracked<task::ChildFuture<S>> track(S&& future) const;
  // Counts as a task, for what is none.
  Token token() const;

  // From now on wait() ends when no task is left. False if it was closed.
  bool close() const {
    const uint64_t old = state_->word.fetch_or(kClosed, kAcqRel);
    if (old == 0) state_->empty.notify_waiters();
    return (old & kClosed) == 0;
  }
  // Until the next close(), wait() goes on. False if it was open.
  bool reopen() const {
    return (state_->word.fetch_and(~kClosed, kAcqRel) & kClosed) != 0;
  }
  bool is_closed() const { return (word() & kClosed) != 0; }
  std::size_t len() const { return word() / kTask; }
  bool is_empty() const { return len() == 0; }

  // A Future of void: ready once the tracker is closed and no task is left, be
  // it for a moment.
  Wait wait() const;

 private:
  // word: bit 0: closed; above: how many tasks there are.
  // [ended] what a task wrote, wait() sees.
  static constexpr uint64_t kClosed = 1, kTask = 2;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  struct State {
    std::atomic<uint64_t> word{0};
    sync::Notify empty;
  };

  uint64_t word() const {
    return state_->word.load(std::memory_order_acquire);  // [ended]
  }

  std::shared_ptr<State> state_;
};

class [[nodiscard]] TaskTracker::Token {
 public:
  explicit Token(std::shared_ptr<State> state) : state_(std::move(state)) {
    // relaxed: to begin carries no data
    state_->word.fetch_add(kTask, std::memory_order_relaxed);
  }
  Token(Token&&) = default;
  Token& operator=(Token other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Token() {
    if (state_ == nullptr) return;
    const uint64_t old = state_->word.fetch_sub(kTask, kAcqRel);  // [ended]
    if (old == (kTask | kClosed)) state_->empty.notify_waiters();
  }

 private:
  std::shared_ptr<State> state_;
};

template <Future F>
class [[nodiscard]] TaskTracker::Tracked {
 public:
  using Output = OutputOf<F>;

  explicit Tracked(Token token, task::Child<F> child)
      : token_(std::move(token)), child_(std::move(child)) {}

  Poll<Output> poll(Context& cx) {
    if (!child_.poll(cx)) return kPending;
    if constexpr (std::is_void_v<Output>) {
      return kReady;
    } else {
      return static_cast<Output>(child_.take());
    }
  }

 private:
  Token token_;  // outlives the child
  task::Child<F> child_;
};

class [[nodiscard]] TaskTracker::Wait {
 public:
  using Output = void;

  explicit Wait(std::shared_ptr<State> state)
      : state_(std::move(state)), notified_(state_->empty) {}

  Poll<void> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    // [ended] A last task that ends from here on ends the wait for `empty`.
    if (state_->word.load(std::memory_order_acquire) == kClosed) {
      cx.spend();
      return kReady;
    }
    return notified_.poll(cx);
  }

 private:
  std::shared_ptr<State> state_;
  sync::Notify::Notified notified_;
};

template <task::ChildLike S>
TaskTracker::Tracked<task::ChildFuture<S>> TaskTracker::track(
    S&& future) const {
  return Tracked<task::ChildFuture<S>>(token(),
                                       task::as_child(std::forward<S>(future)));
}

inline TaskTracker::Token TaskTracker::token() const { return Token(state_); }

inline TaskTracker::Wait TaskTracker::wait() const { return Wait(state_); }

}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_TASK_TRACKER_H_
