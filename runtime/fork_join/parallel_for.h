// parallel_for(): a loop whose iterations run on all workers.
//
//   auto square = [&](std::size_t i) { out[i] = in[i] * in[i]; };
//   co_await eddy::parallel_for(0uz, in.size(), 1024, square);
//
//   auto add_up = [&](std::size_t begin, std::size_t end) { ... };
//   co_await eddy::parallel_for(0uz, in.size(), 1024, add_up);
//
// Up to `grain` iterations run one after the other, without a look at anything:
// some microseconds of work hide the cost of splitting, and what a worker does
// between two looks at other tasks is one such piece. `f` takes an index or the
// bounds of a piece, and gives nothing, or a Task<>: iterations that await. It
// is called on any worker, by several at once, and kept until the end.
//
// Threads, Cancel, fairness: see fork_join.h.
// Errors:  the first exception, once all pieces have ended; the piece that
//          threw ends early.
// Owner:   owns `f`. May be moved until the first poll. Pass a lambda with
//          captures that have destructors by name: g++ 12 destroys such a
//          temporary in a co_await expression twice.
#ifndef EDDY_RUNTIME_FORK_JOIN_PARALLEL_FOR_H_
#define EDDY_RUNTIME_FORK_JOIN_PARALLEL_FOR_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/fork_join/fork_join_each.h"
#include "runtime/fork_join/fork_range.h"
#include "runtime/task/task.h"

namespace eddy {
namespace forks {

// The pieces of [begin, end).
template <std::integral Index>
class Pieces {
  using Distance = std::make_unsigned_t<Index>;

 public:
  explicit Pieces(Index begin, Index end, std::size_t grain)
      : begin_(begin),
        length_(begin < end
                    ? static_cast<Distance>(end) - static_cast<Distance>(begin)
                    : Distance{0}),
        grain_(grain) {
    EDDY_CHECK(grain > 0, "parallel_for() with a grain of 0: at least 1");
  }

  std::size_t count() const {
    return length_ == 0 ? 0 : 1 + (std::size_t{length_} - 1) / grain_;
  }
  Index begin_of(std::size_t piece) const { return at(piece * grain_); }
  Index end_of(std::size_t piece) const {
    const std::size_t offset = piece * grain_;
    return at(offset + std::min<std::size_t>(length_ - offset, grain_));
  }

 private:
  Index at(std::size_t offset) const {
    return static_cast<Index>(static_cast<Distance>(begin_) +
                              static_cast<Distance>(offset));
  }

  Index begin_;
  Distance length_;
  std::size_t grain_;
};

template <class F, class Index>
concept TakesPiece = std::invocable<const F&, Index, Index>;
template <class F, class Index>
concept TakesIndex = std::invocable<const F&, Index>;

// What f gives.
template <class F, class Index>
struct BodyResult {
  using Type = std::invoke_result_t<const F&, Index>;
};
template <class F, class Index>
requires TakesPiece<F, Index>
struct BodyResult<F, Index> {
  using Type = std::invoke_result_t<const F&, Index, Index>;
};
template <class F, class Index>
concept Awaits = std::same_as<typename BodyResult<F, Index>::Type, Task<void>>;

// Pieces that are plain calls.
template <std::integral Index, class F>
class CalledPieces {
 public:
  explicit CalledPieces(Pieces<Index> pieces, F f)
      : pieces_(pieces), f_(std::move(f)) {}

  template <class Range>
  bool run(Range& range, uint32_t piece, Caller&) noexcept {
    try {
      const Index begin = pieces_.begin_of(piece), end = pieces_.end_of(piece);
      if constexpr (TakesPiece<F, Index>) {
        f_(begin, end);
      } else {
        for (Index i = begin; i != end; ++i) f_(i);
      }
    } catch (...) {
      range.fail(std::current_exception());
    }
    return true;
  }
  template <class Range>
  void end(Range&, uint32_t, task::PromiseBase&) noexcept {}  // none waits

 private:
  const Pieces<Index> pieces_;
  const F f_;
};

// Makes the tasks of pieces that await.
template <std::integral Index, class F>
class AwaitedPieces {
 public:
  explicit AwaitedPieces(Pieces<Index> pieces, F f)
      : pieces_(pieces), f_(std::move(f)) {}

  Task<> operator()(std::size_t piece) const {
    const Index begin = pieces_.begin_of(piece), end = pieces_.end_of(piece);
    if constexpr (TakesPiece<F, Index>) {
      return f_(begin, end);
    } else {
      return run(f_, begin, end);
    }
  }

 private:
  // `f` lives as long as the parallel_for.
  static Task<> run(const F& f, Index begin, Index end) {
    for (Index i = begin; i != end; ++i) co_await f(i);
  }

  Pieces<Index> pieces_;
  F f_;
};

}  // namespace forks

template <std::integral Index, class F>
class [[nodiscard]] ParallelFor {
 public:
  using Output = void;

  explicit ParallelFor(forks::Pieces<Index> pieces, F f)
      : range_(pieces.count(),
               forks::CalledPieces<Index, F>(pieces, std::move(f))) {}

  Poll<void> poll(Context& cx) {
    if (!poll_all(cx)) return kPending;
    take();
    return kReady;
  }

  // For co_await.
  auto await_in(task::PromiseBase& frame) {
    return forks::ForkAwaiter<ParallelFor>(*this, frame);
  }

 private:
  friend forks::ForkAwaiter<ParallelFor>;

  bool poll_all(Context& cx) { return range_.poll_all(cx); }
  void take() { range_.rethrow_if_failed(); }

  forks::ForkRange<forks::CalledPieces<Index, F>> range_;
};

// f(i) for each i of [begin, end), or f(b, e) for each piece of it.
template <std::integral Index, class F>
requires(forks::TakesPiece<std::decay_t<F>, Index> ||
         forks::TakesIndex<std::decay_t<F>,
                           Index>) auto parallel_for(Index begin, Index end,
                                                     std::size_t grain, F&& f) {
  using Body = std::decay_t<F>;
  const forks::Pieces<Index> pieces(begin, end, grain);
  if constexpr (forks::Awaits<Body, Index>) {
    return fork_join_each(pieces.count(), forks::AwaitedPieces<Index, Body>(
                                              pieces, std::forward<F>(f)));
  } else {
    return ParallelFor<Index, Body>(pieces, std::forward<F>(f));
  }
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_FORK_JOIN_PARALLEL_FOR_H_
