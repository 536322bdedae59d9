// CallableFuture<Fn>: the future of a callable that returns a future, as in
// spawn([socket = std::move(socket)]() -> eddy::Task<> { ... }).
//
// It keeps the callable for as long as the future lives: a lambda that is a
// coroutine reaches its captures through the lambda object, which would
// otherwise be gone before the frame.
//
// Threads: as any future. May be moved until it is first polled.
// Cancel:  destroys the future, then the callable.
#ifndef EDDY_RUNTIME_TASK_CALLABLE_H_
#define EDDY_RUNTIME_TASK_CALLABLE_H_

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/future.h"

namespace eddy::task {

template <class Fn>
concept FutureFactory =
    std::invocable<Fn&> && Future<std::invoke_result_t<Fn&>>;

template <FutureFactory Fn>
class CallableFuture {
  using Inner = std::invoke_result_t<Fn&>;

 public:
  using Output = OutputOf<Inner>;
  static constexpr bool kLosesProgress = !CancelSafe<Inner>;

  explicit CallableFuture(Fn fn) : fn_(std::move(fn)) {}
  CallableFuture(CallableFuture&& other) : fn_(std::move(other.fn_)) {
    EDDY_DCHECK(!other.inner_.has_value(),
                "a future is moved after its first poll");
  }

  Poll<Output> poll(Context& cx) {
    if (!inner_.has_value()) inner_.emplace(Elide{fn_});
    return inner_->poll(cx);
  }

 private:
  // Converts to what fn returns, so that emplace() builds it in place although
  // it may not be movable.
  struct Elide {
    Fn& fn;
    operator Inner() { return std::invoke(fn); }
  };

  Fn fn_;  // outlives inner_
  std::optional<Inner> inner_;
};

// What can be spawned: a future by value, or a callable that makes one. The
// overloads give the future that a task keeps.
template <Future F>
requires(!std::is_reference_v<F>) F into_future(F&& future) {
  return std::forward<F>(future);
}
template <class Fn>
requires FutureFactory<std::decay_t<Fn>> CallableFuture<std::decay_t<Fn>>
into_future(Fn&& fn) {
  return CallableFuture<std::decay_t<Fn>>(std::forward<Fn>(fn));
}

template <class S>
concept Spawnable = requires(S&& s) {
  into_future(std::forward<S>(s));
};
template <Spawnable S>
using FutureOf = decltype(into_future(std::declval<S>()));

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_CALLABLE_H_
