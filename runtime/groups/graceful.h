// spawn_graceful(): a task that is asked to stop before it is aborted, and has
// time to clean up.
//
//   eddy::Task<> session(Connection peer) {
//     auto stop = eddy::this_task::cancellation_token();
//     co_await stop.run_until_cancelled(serve(peer));
//     co_await peer.say_goodbye();  // shielded: it runs for the grace time
//   }
//
//   auto handle = eddy::spawn_graceful(session(std::move(peer)));
//   ...
//   co_await handle.abort_and_wait(5s);
//
// A graceful abort has two phases. First comes the request: the token of the
// task is cancelled, and nothing else happens to it. What runs under
// run_until_cancelled() is dropped; what does not is shielded, and may await.
// When the grace time is over and the task has not ended, it is aborted as by
// JoinHandle::abort(): its future is destroyed.
//
// Code below the task finds its token by this_task::cancellation_token(), asks
// is_cancelled(), or awaits cancelled(). A task that is spawned by another is
// not asked with it: hand it a child_token().
//
// Threads: request_stop() and abort() by any; else a handle belongs to one
// task. Cancel:  dropping the handle detaches the task; a request that was made
//          stays in force. A dropped abort_and_wait() too.
// Errors:  as those of a JoinHandle. A task that ends within its grace time
//          gives its value; one that does not is cancelled.
// Owner:   see JoinHandle. The first request's grace time counts, from when the
//          task notices.
#ifndef EDDY_RUNTIME_GROUPS_GRACEFUL_H_
#define EDDY_RUNTIME_GROUPS_GRACEFUL_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/task/callable.h"
#include "runtime/task/cell.h"
#include "runtime/task/future.h"
#include "runtime/task/header.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task_local.h"
#include "runtime/time/clock.h"
#include "runtime/time/sleep.h"
#include "sync/cancellation_token.h"

namespace eddy {
namespace groups {

inline constinit TaskLocal<sync::CancellationToken> task_token;

// What handle and task share.
struct StopRequest {
  sync::CancellationToken token;
  std::atomic<int64_t> grace_ns{-1};  // of the first request

  void make(std::chrono::nanoseconds grace) {
    int64_t none = -1;
    // relaxed: cancel() publishes it
    grace_ns.compare_exchange_strong(none, grace.count(),
                                     std::memory_order_relaxed);
    token.cancel();
  }
};

template <Future F>
class [[nodiscard]] Graceful {
 public:
  using Output = OutputOf<F>;

  explicit Graceful(std::shared_ptr<StopRequest> request, F future)
      : request_(std::move(request)),
        requested_(request_->token.cancelled()),
        future_(task_token.scope(request_->token, std::move(future))) {}

  Poll<Output> poll(Context& cx) {
    Poll<Output> result = future_.poll(cx);
    if (result.is_pending() && is_grace_over(cx)) {
      context::current().task->abort();  // at the end of this poll
    }
    return result;
  }

 private:
  bool is_grace_over(Context& cx) {
    if (!grace_.has_value()) {
      if (requested_.poll(cx).is_pending()) return false;
      grace_.emplace(time::sleep(std::chrono::nanoseconds(
          request_->grace_ns.load(std::memory_order_relaxed))));
    }
    return grace_->poll(cx).is_ready();
  }

  std::shared_ptr<StopRequest> request_;
  sync::CancellationToken::Wait requested_;
  std::optional<time::Sleep> grace_;
  TaskLocal<sync::CancellationToken>::Scope<F> future_;
};

}  // namespace groups

template <class T>
class [[nodiscard]] GracefulHandle {
 public:
  using Output = JoinResult<T>;
  class AbortAndWait;

  explicit GracefulHandle(JoinHandle<T> handle,
                          std::shared_ptr<groups::StopRequest> request)
      : handle_(std::move(handle)), request_(std::move(request)) {}

  // As a future: the outcome.
  Poll<JoinResult<T>> poll(Context& cx) { return handle_.poll(cx); }

  // Asks the task to stop, and aborts it if it has not ended after that time.
  void request_stop(std::chrono::nanoseconds grace) const {
    request_->make(grace);
  }
  // The same, and waits until it has ended: a Future of JoinResult<T>, which
  // borrows the handle.
  AbortAndWait abort_and_wait(std::chrono::nanoseconds grace);
  // Without grace.
  void abort() const { handle_.abort(); }

  // Of the task: cancelled by the first request.
  const sync::CancellationToken& token() const { return request_->token; }
  bool is_finished() const { return handle_.is_finished(); }
  TaskId id() const { return handle_.id(); }
  void detach() && { std::move(handle_).detach(); }

 private:
  JoinHandle<T> handle_;
  std::shared_ptr<groups::StopRequest> request_;
};

template <class T>
class [[nodiscard]] GracefulHandle<T>::AbortAndWait {
 public:
  using Output = JoinResult<T>;

  explicit AbortAndWait(GracefulHandle& handle, std::chrono::nanoseconds grace)
      : handle_(handle), grace_(grace) {}

  Poll<JoinResult<T>> poll(Context& cx) {
    if (!std::exchange(is_requested_, true)) handle_.request_stop(grace_);
    return handle_.poll(cx);
  }

 private:
  GracefulHandle& handle_;
  const std::chrono::nanoseconds grace_;
  bool is_requested_ = false;
};

template <class T>
typename GracefulHandle<T>::AbortAndWait GracefulHandle<T>::abort_and_wait(
    std::chrono::nanoseconds grace) {
  return AbortAndWait(*this, grace);
}

// On the runtime around the caller; what spawn() takes.
template <task::Spawnable S>
auto spawn_graceful(S&& spawnable) {
  auto future = task::into_future(std::forward<S>(spawnable));
  using F = decltype(future);
  task::Scheduler& scheduler = context::services("spawn_graceful()").scheduler;
  auto request = std::make_shared<groups::StopRequest>();
  auto handle =
      task::launch(scheduler, groups::Graceful<F>(request, std::move(future)));
  return GracefulHandle<OutputOf<F>>(std::move(handle), std::move(request));
}

namespace this_task {

// Of the task of spawn_graceful() that the caller runs in; elsewhere one that
// nobody cancels.
inline sync::CancellationToken cancellation_token() {
  const sync::CancellationToken* token = groups::task_token.try_get();
  return token != nullptr ? *token : sync::CancellationToken();
}

}  // namespace this_task
}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_GRACEFUL_H_
