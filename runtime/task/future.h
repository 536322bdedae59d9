// Future: what can be awaited. A type with an `Output` and
// `Poll<Output> poll(Context&)`.
//
//   class Countdown {
//    public:
//     using Output = void;
//     explicit Countdown(int n) : left_(n) {}
//     eddy::Poll<void> poll(eddy::Context& cx) {
//       if (left_-- == 0) return eddy::kReady;
//       return cx.yield();
//     }
//    private:
//     int left_;
//   };
//
// The contract:
// - poll() gives the value, or keeps the *latest* waker and answers kPending.
//   It is polled once at first, and then only after that waker was called; a
//   poll too many is harmless, so a leaf checks its own condition each time.
// - After the value it is not polled again.
// - It does not block. It may throw; the exception goes to whoever awaits it.
// - Destroying a future cancels it.
// - Its constructor is user-declared: GCC 12 destroys an aggregate that is a
//   temporary in a co_await expression twice.
//
// Threads: a future belongs to one task; its task may move between threads from
//          one poll to the next.
#ifndef EDDY_RUNTIME_TASK_FUTURE_H_
#define EDDY_RUNTIME_TASK_FUTURE_H_

#include <concepts>
#include <type_traits>

#include "runtime/task/context.h"
#include "runtime/task/poll.h"

namespace eddy {

template <class F>
concept Future = requires(std::remove_reference_t<F>& future, Context& cx) {
  typename std::remove_reference_t<F>::Output;
  {
    future.poll(cx)
  } -> std::same_as<Poll<typename std::remove_reference_t<F>::Output>>;
};

template <Future F>
using OutputOf = typename std::remove_reference_t<F>::Output;

// A future that can be asked first whether it is ready now, by `poll_now(cx)`,
// before its first poll(): it gives its value, or answers kPending, and then
// nothing has happened: it keeps no waker and has no place in a queue. select()
// asks all its children before one begins to wait.
template <class F>
concept PollsNow =
    Future<F> && requires(std::remove_reference_t<F>& future, Context& cx) {
      { future.poll_now(cx) } -> std::same_as<Poll<OutputOf<F>>>;
    };

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_FUTURE_H_
