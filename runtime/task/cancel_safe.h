// CancelSafe: whether anything is lost with a future that is dropped while it
// is pending. Not with most: a dropped read() has taken no bytes, a dropped
// recv() no message. What does a part of its work at a time, as read_exact(),
// keeps in itself how far it is, and says so:
//
//   static constexpr bool kLosesProgress = true;
//
// select() and timeout(), which drop futures, take such a one by reference, and
// it can be awaited again afterwards:
//
//   auto header = eddy::io::read_exact(stream, buffer);
//   if (!(co_await eddy::time::timeout(1s, header)).ok()) {
//     log_slow_peer(header.transferred());
//     co_await header;  // goes on where it was
//   }
//
// By value they refuse it, unless the caller says that it may be lost:
//
//   co_await eddy::time::timeout(
//       5s, eddy::discard_progress(eddy::io::write_all(stream, "bye\n")));
//
// A Task cannot know: what it does between two co_awaits is lost with it.
#ifndef EDDY_RUNTIME_TASK_CANCEL_SAFE_H_
#define EDDY_RUNTIME_TASK_CANCEL_SAFE_H_

#include <type_traits>
#include <utility>

#include "runtime/task/future.h"

namespace eddy {

template <class F>
concept LosesProgress =
    requires { requires std::remove_cvref_t<F>::kLosesProgress; };

// F is a future, or a reference to one, with which nothing is dropped.
template <class F>
concept CancelSafe = std::is_lvalue_reference_v<F> || !LosesProgress<F>;

template <Future F>
class [[nodiscard]] DiscardProgress {
 public:
  using Output = OutputOf<F>;

  explicit DiscardProgress(F future) : future_(std::move(future)) {}

  Poll<Output> poll(Context& cx) { return future_.poll(cx); }

 private:
  F future_;
};

// The same future, but its progress may be lost.
template <Future F>
  requires(!std::is_reference_v<F>)
DiscardProgress<F> discard_progress(F&& future) {
  return DiscardProgress<F>(std::move(future));
}

namespace task {

// For combinators that drop children; F as for Child.
template <class F>
constexpr void require_cancel_safe() {
  static_assert(
      CancelSafe<F>,
      "select() and timeout() may drop this future, and its progress with it. "
      "Pass it by reference, `auto op = read_exact(...); select(op, ...)`, and "
      "await it again or take what it has; or say that it may be lost: "
      "select(discard_progress(read_exact(...)), ...)");
}

}  // namespace task
}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_CANCEL_SAFE_H_
