// fork_join_each(), fork_join_into(): fork_join() over many children of one
// kind, each of which is made when it is begun.
//
//   auto load = [&](std::size_t i) { return load_page(urls[i]); };
//   std::vector<Page> pages = co_await eddy::fork_join_each(urls.size(), load);
//
//   std::array<int, 2> parts;
//   co_await eddy::fork_join_into(std::span(parts), fib_of);
//
// `make` is called with the index of a child and gives a Task; it is called on
// any worker, by several at once, and kept until the end: it may be a lambda
// that is itself a coroutine. The outputs come as a std::vector, in order: one
// of T& is a std::reference_wrapper<T>. Where the tasks give void, so does
// fork_join_each(). fork_join_into() assigns them to the elements of a span of
// the caller's: nothing is allocated but one frame after the other.
//
// Only children that have begun and not ended have a frame, so their number may
// be large.
//
// Threads, Cancel, fairness: see fork_join.h.
// Errors:  the first exception, of a child or of `make`, once all have ended.
//          Elements of a span that belong to children which threw keep their
//          values.
// Owner:   owns `make`; borrows the span. May be moved until the first poll.
//          Pass a lambda with captures that have destructors by name: g++ 12
//          destroys such a temporary in a co_await expression twice.
#ifndef EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_EACH_H_
#define EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_EACH_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/fork_join/fork_range.h"
#include "runtime/task/child.h"
#include "runtime/task/task.h"

namespace eddy {
namespace forks {

template <class Task>
struct TaskOutput;
template <class T>
struct TaskOutput<Task<T>> {
  using Type = T;
};
template <class Make>
using MadeBy =
    typename TaskOutput<std::invoke_result_t<const Make&, std::size_t>>::Type;

// What can make children.
template <class Make>
concept MakesTasks = requires {
  typename MadeBy<Make>;
};

// Tasks; `Results` keeps what they give.
template <class Make, class Results>
class MadeTasks {
  using T = MadeBy<Make>;

 public:
  explicit MadeTasks(Make make, Results results)
      : make_(std::move(make)), results_(std::move(results)) {}

  template <class Range>
  [[gnu::always_inline]] bool run(Range& range, uint32_t index,
                                  Caller& caller) noexcept {
    task::Promise<T>* frame;
    try {
      frame = &task::release_frame(std::as_const(make_)(std::size_t{index}));
    } catch (...) {
      range.fail(std::current_exception());
      return true;
    }
    if (!caller.call(*frame, index)) [[unlikely]] {
      return false;
    }
    take(range, index, *frame);
    return true;
  }
  template <class Range>
  void end(Range& range, uint32_t index, task::PromiseBase& frame) noexcept {
    take(range, index, static_cast<task::Promise<T>&>(frame));
  }

  Results& results() { return results_; }

 private:
  template <class Range>
  void take(Range& range, uint32_t index, task::Promise<T>& frame) noexcept {
    if (frame.error()) [[unlikely]] {
      range.fail(frame.error());
    } else if constexpr (!std::is_void_v<T>) {
      try {
        results_.set(index, frame.take());
      } catch (...) {
        range.fail(std::current_exception());
      }
    }
    frame.destroy_ended();
  }

  const Make make_;
  [[no_unique_address]] Results results_;
};

struct NoResults {
  explicit NoResults() = default;
};

template <class T>
class SpanResults {
 public:
  explicit SpanResults(T* values) : values_(values) {}
  template <class U>
  void set(uint32_t index, U&& value) {
    values_[index] = std::forward<U>(value);
  }

 private:
  T* values_;
};

template <class T>
class VectorResults {
 public:
  explicit VectorResults(std::size_t count)
      : values_(std::make_unique<std::optional<T>[]>(count)), count_(count) {}
  template <class U>
  void set(uint32_t index, U&& value) {
    values_[index].emplace(std::forward<U>(value));
  }
  std::vector<T> take() {
    std::vector<T> values;
    values.reserve(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      values.push_back(*std::move(values_[i]));
    }
    return values;
  }

 private:
  // Not a vector of T: children end in any order, and T may have no default.
  std::unique_ptr<std::optional<T>[]> values_;
  std::size_t count_;
};

}  // namespace forks

template <class Make>
class [[nodiscard]] ForkJoinEach {
  using T = forks::MadeBy<Make>;
  static constexpr bool kIsVoid = std::is_void_v<T>;

 public:
  using Output = std::conditional_t<
      kIsVoid, void,
      std::vector<std::conditional_t<kIsVoid, int, task::Storable<T>>>>;

  explicit ForkJoinEach(std::size_t count, Make make)
      : range_(count, Tasks(std::move(make), results(count))) {}

  Poll<Output> poll(Context& cx) {
    if (!poll_all(cx)) return kPending;
    if constexpr (kIsVoid) {
      take();
      return kReady;
    } else {
      return take();
    }
  }

  // For co_await.
  auto await_in(task::PromiseBase& frame) {
    return forks::ForkAwaiter<ForkJoinEach>(*this, frame);
  }

 private:
  friend forks::ForkAwaiter<ForkJoinEach>;
  using Results = std::conditional_t<kIsVoid, forks::NoResults,
                                     forks::VectorResults<task::Storable<T>>>;
  using Tasks = forks::MadeTasks<Make, Results>;

  bool poll_all(Context& cx) { return range_.poll_all(cx); }
  Output take() {
    range_.rethrow_if_failed();
    if constexpr (!kIsVoid) return range_.children().results().take();
  }

  static Results results([[maybe_unused]] std::size_t count) {
    if constexpr (kIsVoid) {
      return Results();
    } else {
      return Results(count);
    }
  }

  forks::ForkRange<Tasks> range_;
};

template <class T, class Make>
class [[nodiscard]] ForkJoinInto {
 public:
  using Output = void;

  explicit ForkJoinInto(std::span<T> into, Make make)
      : range_(into.size(),
               Tasks(std::move(make), forks::SpanResults<T>(into.data()))) {}

  Poll<void> poll(Context& cx) {
    if (!poll_all(cx)) return kPending;
    take();
    return kReady;
  }

  // For co_await.
  auto await_in(task::PromiseBase& frame) {
    return forks::ForkAwaiter<ForkJoinInto>(*this, frame);
  }

 private:
  using Tasks = forks::MadeTasks<Make, forks::SpanResults<T>>;
  friend forks::ForkAwaiter<ForkJoinInto>;

  bool poll_all(Context& cx) { return range_.poll_all(cx); }
  void take() { range_.rethrow_if_failed(); }

  forks::ForkRange<Tasks> range_;
};

// The tasks make(0), ..., make(count - 1).
template <class Make>
requires forks::MakesTasks<std::decay_t<Make>>
auto fork_join_each(std::size_t count, Make&& make) {
  return ForkJoinEach<std::decay_t<Make>>(count, std::forward<Make>(make));
}

// into[i] = co_await make(i), for each element.
template <class T, std::size_t kExtent, class Make>
requires forks::MakesTasks<std::decay_t<Make>>
auto fork_join_into(std::span<T, kExtent> into, Make&& make) {
  return ForkJoinInto<T, std::decay_t<Make>>(into, std::forward<Make>(make));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_JOIN_EACH_H_
