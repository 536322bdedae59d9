// for_each(), for_each_concurrent(), collect() and fold(): futures that take a
// stream to its end.
//
//   co_await streams::for_each(lines, [](std::string line) { print(line); });
//   co_await streams::for_each_concurrent(requests, 100, &serve);
//   std::vector<int> all = co_await streams::collect(numbers);
//   int sum = co_await streams::fold(numbers, 0, std::plus<>());
//
// for_each(stream, f): f(item) gives nothing, or a future that is awaited
// before the next item is taken. for_each_concurrent(stream, limit, f): f(item)
// gives futures, of which as many run at once, in this task. fold(): the
// accumulator becomes f(accumulator, item).
//
// Threads: belongs to one task.
// Cancel:  destroys the futures in progress, what was collected, and the stream
//          if it is owned; one by lvalue can be read on. collect() and fold()
//          keep their progress: see CancelSafe.
// Errors:  an exception of the stream, of f, or of its futures goes to whoever
//          awaits.
// Owner:   may be moved until the first poll.
#ifndef EDDY_RUNTIME_STREAMS_CONSUME_H_
#define EDDY_RUNTIME_STREAMS_CONSUME_H_

#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/streams/buffered.h"
#include "runtime/streams/stream.h"
#include "runtime/streams/transform.h"
#include "runtime/task/future.h"

namespace eddy::streams {

// Calls `use` for every item.
template <class S, class Use>
class [[nodiscard]] Drain {
 public:
  using Output = void;

  Drain(S&& stream, Use use)
      : use_(std::move(use)), stream_(std::forward<S>(stream)) {}

  Poll<void> poll(Context& cx) {
    for (;;) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) return kReady;
      std::invoke(use_, take_item(next));
    }
  }

 private:
  Use use_;
  S stream_;
};

template <class S, class State, class Step>
class [[nodiscard]] Fold {
 public:
  using Output = State;
  static constexpr bool kLosesProgress = true;

  Fold(S&& stream, State state, Step step)
      : state_(std::move(state)),
        step_(std::move(step)),
        stream_(std::forward<S>(stream)) {}

  Poll<State> poll(Context& cx) {
    for (;;) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) return std::move(state_);
      state_ = std::invoke(step_, std::move(state_), take_item(next));
    }
  }

 private:
  State state_;
  Step step_;
  S stream_;
};

template <class S>
class [[nodiscard]] Collect {
 public:
  using Output = std::vector<ItemOf<S>>;
  static constexpr bool kLosesProgress = true;

  explicit Collect(S&& stream) : stream_(std::forward<S>(stream)) {}

  Poll<Output> poll(Context& cx) {
    for (;;) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) return std::move(items_);
      items_.push_back(take_item(next));
    }
  }

 private:
  S stream_;
  Output items_;
};

// What for_each() does with the outputs of f.
class Ignore {
 public:
  Ignore() {}
  template <class Output>
  void operator()(Output&&) const {}
};

template <Stream S, class F>
auto for_each(S&& stream, F f) {
  if constexpr (Future<std::invoke_result_t<F&, ItemOf<S>>>) {
    return for_each(std::forward<S>(stream) | then(std::move(f)), Ignore());
  } else {
    return Drain<S, F>(std::forward<S>(stream), std::move(f));
  }
}

template <Stream S, class F>
auto for_each_concurrent(S&& stream, std::size_t limit, F f) {
  return for_each(
      std::forward<S>(stream) | map(std::move(f)) | buffer_unordered(limit),
      Ignore());
}

template <Stream S, class State, class Step>
Fold<S, State, Step> fold(S&& stream, State state, Step step) {
  return Fold<S, State, Step>(std::forward<S>(stream), std::move(state),
                              std::move(step));
}

template <Stream S>
Collect<S> collect(S&& stream) {
  return Collect<S>(std::forward<S>(stream));
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_CONSUME_H_
