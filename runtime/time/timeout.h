// timeout(): a future, for a limited time.
//
//   absl::StatusOr<size_t> read =
//       co_await eddy::time::timeout(5s, stream.read(buffer));
//   if (absl::IsDeadlineExceeded(read.status())) ...
//
// The output depends on that of the future:
//   void                       absl::Status
//   T                          absl::StatusOr<T>
//   T&                         absl::StatusOr<std::reference_wrapper<T>>
//   absl::Status, StatusOr<T>  the same; its own errors pass through
//
// What may be passed: a future by value; a future by lvalue, which is used in
// place and can be awaited again after the timeout; a callable that makes a
// future, for one that can't be moved. The future is polled before the time is
// looked at: one that is ready wins, however late. One that keeps its progress
// in itself, as read_exact(), is refused by value: see CancelSafe.
//
// Threads: belongs to one task.
// Cancel:  destroys the future, if it is owned.
// Errors:  kDeadlineExceeded: the time is over, and the future, if it is owned,
//          is destroyed. An exception of the future goes to whoever awaits.
// Owner:   may be moved until the first poll.
#ifndef EDDY_RUNTIME_TIME_TIMEOUT_H_
#define EDDY_RUNTIME_TIME_TIMEOUT_H_

#include <chrono>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"

namespace eddy::time {

template <class T>
struct TimeoutOutputOf {
  using Type = absl::StatusOr<task::Storable<T>>;
};
template <>
struct TimeoutOutputOf<void> {
  using Type = absl::Status;
};
template <>
struct TimeoutOutputOf<absl::Status> {
  using Type = absl::Status;
};
template <class T>
struct TimeoutOutputOf<absl::StatusOr<T>> {
  using Type = absl::StatusOr<T>;
};

absl::Status timeout_error();

template <Future F>
class [[nodiscard]] Timeout {
 public:
  using Output = typename TimeoutOutputOf<OutputOf<F>>::Type;

  explicit Timeout(Instant deadline, task::Child<F> child)
      : child_(std::move(child)), sleep_(deadline) {}

  Instant deadline() const { return sleep_.deadline(); }

  Poll<Output> poll(Context& cx) {
    try {
      if (child_.poll(cx)) {
        sleep_.cancel();
        return take();
      }
    } catch (...) {
      drop();
      throw;
    }
    // Whatever the future has left of the budget.
    if (!sleep_.poll_timer(cx.waker(), /*at_once=*/true)) return kPending;
    drop();
    return Output(timeout_error());
  }

 private:
  void drop() noexcept {
    child_.drop();
    sleep_.cancel();
  }

  Poll<Output> take() {
    if constexpr (std::is_void_v<OutputOf<F>>) {
      child_.drop();
      return absl::OkStatus();
    } else {
      return Output(child_.take());
    }
  }

  task::Child<F> child_;
  Sleep sleep_;
};

// Until `deadline`.
template <task::ChildLike S>
Timeout<task::ChildFuture<S>> timeout_at(Instant deadline, S&& future) {
  task::require_cancel_safe<task::ChildFuture<S>>();
  return Timeout<task::ChildFuture<S>>(deadline,
                                       task::as_child(std::forward<S>(future)));
}

// For `duration` from now.
template <class Rep, class Period, task::ChildLike S>
Timeout<task::ChildFuture<S>> timeout(
    std::chrono::duration<Rep, Period> duration, S&& future) {
  return timeout_at(saturating_add(now(), saturating_cast(duration)),
                    std::forward<S>(future));
}

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_TIMEOUT_H_
