// JoinSet<T>: tasks that belong together: their outcomes come in the order in
// which they end, and none outlives the set.
//
//   eddy::JoinSet<Page> pages;
//   for (const Url& url : urls) pages.spawn(load(url));
//   while (std::optional<eddy::JoinResult<Page>> page =
//              co_await pages.join_next()) {
//     if (page->has_value()) show(**std::move(page));
//   }
//
// A task that is spawned, ends and is joined costs one allocation, as without a
// set. A set may hold any number of tasks: what join_next() costs does not
// depend on it.
//
// Threads: belongs to one task at a time; an AbortHandle may be used by any
//          thread.
// Cancel:  dropping the set aborts its tasks; they end soon after, see
//          shutdown() to wait for that. A dropped join_next() has taken
//          nothing.
// Errors:  an exception of a task is in its JoinResult. Those of tasks that are
//          detached, or aborted with the set, go to the runtime's
//          unhandled-exception policy. Tasks that are spawned after the runtime
//          has shut down are cancelled.
// Owner:   of its tasks. A join_next() borrows it: until that is gone, the set
//          may not be moved, or detached. One that was moved from may only be
//          assigned to, or destroyed.
//
// Tokio's JoinSet.
#ifndef EDDY_RUNTIME_GROUPS_JOIN_SET_H_
#define EDDY_RUNTIME_GROUPS_JOIN_SET_H_

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/groups/member_list.h"
#include "runtime/handle.h"
#include "runtime/task/callable.h"
#include "runtime/task/future.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy {
namespace groups {

// A task that belongs to no more than its set.
class SetMember final : public Member {};

// The outcome of a task that was taken from its list. Frees the task.
template <class T>
JoinResult<T> take_outcome(Member& member) {
  const Waker nobody;
  Context cx(nobody);
  return *JoinHandle<T>(member.task()).poll(cx);
}

}  // namespace groups

template <class T = void>
class JoinSet {
 public:
  class JoinNext;

  JoinSet() {}

  // On the runtime around the caller; what spawn() takes.
  template <task::Spawnable S>
  AbortHandle spawn(S&& future) {
    return launch(context::services("JoinSet::spawn()").scheduler,
                  std::forward<S>(future));
  }
  // The same on another runtime, from anywhere.
  template <task::Spawnable S>
  AbortHandle spawn_on(const Handle& runtime, S&& future) {
    return launch(runtime.scheduler(), std::forward<S>(future));
  }

  // A Future of std::optional<JoinResult<T>>: the next task that has ended, or
  // has yet to; empty if there is no task left.
  JoinNext join_next();
  // A task that has ended; empty if there is none, now.
  std::optional<JoinResult<T>> try_join_next() {
    groups::Member* member = members_->take();
    if (member == nullptr) return std::nullopt;
    return groups::take_outcome<T>(*member);
  }

  // What has not been joined.
  std::size_t len() const { return members_->size(); }
  bool is_empty() const { return len() == 0; }

  // Tasks that have not ended will be cancelled, and can be joined.
  void abort_all() { members_->abort_all(); }
  // Aborts all tasks, and waits until they have ended. Dropped half-way, they
  // are still aborted.
  Task<> shutdown() {
    abort_all();
    while (auto outcome = co_await join_next()) {
    }
  }
  // Lets the tasks go on alone; the set is empty then.
  void detach_all() { members_.detach_all(); }

 private:
  template <task::Spawnable S>
  AbortHandle launch(task::Scheduler& scheduler, S&& future) {
    static_assert(std::is_same_v<OutputOf<task::FutureOf<S>>, T>,
                  "JoinSet<T>: a task gives something else than a T");
    return AbortHandle(
        members_
            ->launch<groups::SetMember>(
                scheduler, task::into_future(std::forward<S>(future)))
            .task());
  }

  groups::Members members_;
};

template <class T>
class [[nodiscard]] JoinSet<T>::JoinNext {
 public:
  using Output = std::optional<JoinResult<T>>;

  explicit JoinNext(groups::MemberList::TakeNext next)
      : next_(std::move(next)) {}

  Poll<Output> poll(Context& cx) {
    Poll<groups::Member*> next = next_.poll(cx);
    if (next.is_pending()) return kPending;
    if (*next == nullptr) return Output(std::nullopt);
    return Output(groups::take_outcome<T>(**next));
  }

 private:
  groups::MemberList::TakeNext next_;
};

template <class T>
typename JoinSet<T>::JoinNext JoinSet<T>::join_next() {
  return JoinNext(members_->take_next());
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_JOIN_SET_H_
