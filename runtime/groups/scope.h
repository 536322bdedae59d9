// scope(): tasks that may borrow from whoever starts them, since none of them
// outlives the scope.
//
//   eddy::Task<> load_all(std::span<const Url> urls, std::span<Page> pages) {
//     std::atomic<int> failures = 0;
//     co_await eddy::scope([&](eddy::Scope& scope) {
//       for (std::size_t i = 0; i < urls.size(); ++i) {
//         scope.spawn(load(urls[i], pages[i], failures));
//       }
//     });
//     report(failures);  // all of them have ended
//   }
//
// The body is called with the Scope when the future is first polled. It may be
// a function, or a coroutine, which runs as a part of the caller: then the
// scope gives what that gives. Children are tasks, on all workers; any of them
// may spawn others into the scope. The future is ready when the body and all
// children have ended.
//
// Children may borrow what outlives the scope: the caller's locals, and what
// the body has captured. Not the locals of the body: they end with the body.
//
// The end, in each case without a child that touches the caller's frame
// afterwards:
//   by value       the children are awaited.
//   by exception   of the body or of a child, the first one: all children are
//                  aborted, and awaited; then it is thrown.
//   by drop        children that are not being polled are destroyed by whoever
//                  drops, who then waits, blocking, for the polls in progress.
//                  What they throw goes to the unhandled-exception policy.
//
// Threads: the future belongs to one task; a Scope may be used by its body and
//          its children, on any thread.
// Cancel:  see above. To drop a scope in a poll of one of its own children is
//          misuse: it would wait for itself. So it is where children of several
//          scopes, in their polls, drop each other's: let a task do that which
//          is in none of them.
// Errors:  see above. When the runtime shuts down, and children are cancelled,
//          a scope that is not dropped throws TaskCancelled.
// Owner:   owns body and children. May be moved until its first poll.
//
// After the nurseries of Trio and Rust's std::thread::scope; how a dropped
// scope waits is that of fork_join().
#ifndef EDDY_RUNTIME_GROUPS_SCOPE_H_
#define EDDY_RUNTIME_GROUPS_SCOPE_H_

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/context/current.h"
#include "runtime/groups/scope_child.h"
#include "runtime/task/callable.h"
#include "runtime/task/future.h"

namespace eddy {

class Scope {
 public:
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts a child on the runtime around the caller; what eddy::spawn() takes.
  // What it gives is dropped. Once the scope has failed, or is being dropped,
  // the child is destroyed instead.
  template <task::Spawnable S>
  void spawn(S&& child) {
    using Child = groups::TypedScopeChild<task::FutureOf<S>>;
    task::Scheduler& scheduler = context::services("Scope::spawn()").scheduler;
    start(*new Child(scheduler, *this,
                     task::into_future(std::forward<S>(child))));
  }
  // The children that there are will be cancelled, which is no failure of the
  // scope.
  void abort_all();

 protected:
  Scope() = default;
  ~Scope() = default;

  // The body, or a child, threw: the first exception counts.
  void fail(std::exception_ptr error);
  bool has_failed() const;
  // True if no child is left, and the body has its result or something has
  // failed; else the waker is called when that may be so. The body may have
  // parts that others poll, and that start children at any time.
  bool poll_children(const Waker& waker, bool has_result);
  void rethrow_if_failed();
  // When it returns no child is left, and none is being polled.
  void drop_children() noexcept;

 private:
  friend class groups::ScopeChild;
  class Drop;

  void start(groups::ScopeChild& child);
  // `child`, which its own thread polls or destroys, has ended: `error` says
  // how. *this may be gone afterwards.
  void end(groups::ScopeChild& child, groups::ScopeChild::End how,
           std::exception_ptr error) noexcept;
  groups::ScopeChild* take_idle_children();

  bool is_empty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return running_ == nullptr && aborted_ == nullptr;
  }
  void link(groups::ScopeChild*& list, groups::ScopeChild& child)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void unlink(groups::ScopeChild& child) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable base::Mutex mutex_;
  base::CondVar child_ended_;
  // Those that run, and those that abort_all() has aborted.
  groups::ScopeChild* running_ ABSL_GUARDED_BY(mutex_) = nullptr;
  groups::ScopeChild* aborted_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Waker owner_ ABSL_GUARDED_BY(mutex_);
  std::exception_ptr error_ ABSL_GUARDED_BY(mutex_);
  bool is_dropping_ ABSL_GUARDED_BY(mutex_) = false;
};

namespace groups {

// What the body gives, and how it is polled.
template <class Fn>
using BodyResult = std::invoke_result_t<Fn&, Scope&>;

// A body that is a function has ended when it was called.
class NoBody {
 public:
  using Output = void;
  NoBody() {}
  Poll<void> poll(Context&) { return kReady; }
};

template <class Result>
struct BodyFuture {
  using Type = Result;
};
template <>
struct BodyFuture<void> {
  using Type = NoBody;
};

}  // namespace groups

template <class Fn>
class [[nodiscard]] ScopeFuture final : private Scope {
  using Body = typename groups::BodyFuture<groups::BodyResult<Fn>>::Type;

 public:
  using Output = OutputOf<Body>;

  explicit ScopeFuture(Fn make_body) : make_body_(std::move(make_body)) {}
  ScopeFuture(ScopeFuture&& other) : make_body_(std::move(other.make_body_)) {
    EDDY_CHECK(!other.is_begun_, "a scope() is moved after its first poll");
  }
  // Children first: they may borrow from the body while it is suspended.
  ~ScopeFuture() {
    if (is_begun_) drop_children();
  }

  Poll<Output> poll(Context& cx) {
    if (!has_body_ended()) poll_body(cx);
    if (!poll_children(cx.waker(), result_.is_ready())) return kPending;
    body_.reset();
    rethrow_if_failed();
    return std::move(result_);
  }

 private:
  // Converts to what the body gives, so that emplace() builds it in place.
  struct MakeBody {
    ScopeFuture& self;
    operator Body() {
      if constexpr (std::is_void_v<groups::BodyResult<Fn>>) {
        std::invoke(self.make_body_, static_cast<Scope&>(self));
        return groups::NoBody();
      } else {
        return std::invoke(self.make_body_, static_cast<Scope&>(self));
      }
    }
  };

  bool has_body_ended() const { return result_.is_ready() || has_failed(); }
  void poll_body(Context& cx) {
    try {
      if (!std::exchange(is_begun_, true)) body_.emplace(MakeBody{*this});
      // In place, so that the output need not be assignable.
      std::construct_at(&result_, body_->poll(cx));
    } catch (...) {
      std::construct_at(&result_, kPending);
      fail(std::current_exception());
    }
  }

  Fn make_body_;  // outlives what it makes
  std::optional<Body> body_;
  Poll<Output> result_ = kPending;
  bool is_begun_ = false;
};

// `body`: called with a Scope&; gives void or a future.
template <class Fn>
  requires std::is_invocable_v<std::decay_t<Fn>&, Scope&>
ScopeFuture<std::decay_t<Fn>> scope(Fn&& body) {
  return ScopeFuture<std::decay_t<Fn>>(std::forward<Fn>(body));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_SCOPE_H_
