// take(), take_while(), skip(), skip_while() and chunks(): a part of a stream,
// or the whole of it in pieces.
//
//   take(n), skip(n)              the first n items; all but these
//   take_while(f), skip_while(f)  the items before the first for which
//                                 f(const item&) is false; that one and
//                                 all that follow
//   chunks(n)                     std::vectors of n items; the last may be
//                                 shorter
//
//   auto page = rows | streams::skip(100) | streams::take(20);
//
// take(n) does not poll the stream again after n items. The item that ends a
// take_while() is lost.
//
// Threads: belongs to one task.
// Cancel:  destroys the stream if it is owned, and the items of a chunk.
// Errors:  what f throws goes to whoever awaits. chunks(0) is misuse.
// Owner:   may be moved until its first poll.
#ifndef EDDY_RUNTIME_STREAMS_SLICE_H_
#define EDDY_RUNTIME_STREAMS_SLICE_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/streams/pipe.h"
#include "runtime/streams/stream.h"

namespace eddy::streams {

template <class S, class Count>
class [[nodiscard]] Take : public StreamBase<Take<S, Count>> {
 public:
  using Item = ItemOf<S>;

  Take(S&& stream, Count count)
      : stream_(std::forward<S>(stream)), left_(count) {}

  PollNext<Item> poll_next(Context& cx) {
    if (left_ == 0) return std::nullopt;
    PollNext<Item> next = stream_.poll_next(cx);
    if (has_item(next)) --left_;
    return next;
  }

 private:
  S stream_;
  Count left_;
};

template <class S, class F>
class [[nodiscard]] TakeWhile : public StreamBase<TakeWhile<S, F>> {
 public:
  using Item = ItemOf<S>;

  TakeWhile(S&& stream, F f)
      : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    PollNext<Item> next = stream_.poll_next(cx);
    if (has_item(next) && !std::invoke(f_, std::as_const(**next))) {
      return std::nullopt;
    }
    return next;
  }

 private:
  F f_;
  S stream_;
};

template <class S, class Count>
class [[nodiscard]] Skip : public StreamBase<Skip<S, Count>> {
 public:
  using Item = ItemOf<S>;

  Skip(S&& stream, Count count)
      : stream_(std::forward<S>(stream)), left_(count) {}

  PollNext<Item> poll_next(Context& cx) {
    for (;; --left_) {
      PollNext<Item> next = stream_.poll_next(cx);
      if (left_ == 0 || !has_item(next)) return next;
    }
  }

 private:
  S stream_;
  Count left_;
};

template <class S, class F>
class [[nodiscard]] SkipWhile : public StreamBase<SkipWhile<S, F>> {
 public:
  using Item = ItemOf<S>;

  SkipWhile(S&& stream, F f)
      : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    for (;;) {
      PollNext<Item> next = stream_.poll_next(cx);
      if (!skips_ || !has_item(next)) return next;
      skips_ = std::invoke(f_, std::as_const(**next));
      if (!skips_) return next;
    }
  }

 private:
  F f_;
  S stream_;
  bool skips_ = true;
};

template <class S, class Count>
class [[nodiscard]] Chunks : public StreamBase<Chunks<S, Count>> {
 public:
  using Item = std::vector<ItemOf<S>>;

  Chunks(S&& stream, Count size)
      : stream_(std::forward<S>(stream)), size_(size) {
    EDDY_CHECK(size > 0, "chunks(): the size must be greater than zero");
  }

  PollNext<Item> poll_next(Context& cx) {
    while (!ended_) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) {
        ended_ = true;
        break;
      }
      chunk_.push_back(take_item(next));
      if (chunk_.size() == size_) return take();
    }
    if (chunk_.empty()) return std::nullopt;
    return take();
  }

 private:
  std::optional<Item> take() { return std::exchange(chunk_, Item()); }

  S stream_;
  const Count size_;
  Item chunk_;
  bool ended_ = false;
};

inline auto take(std::size_t count) { return pipe_to<Take>(count); }
inline auto skip(std::size_t count) { return pipe_to<Skip>(count); }
inline auto chunks(std::size_t size) { return pipe_to<Chunks>(size); }
template <class F>
auto take_while(F f) {
  return pipe_to<TakeWhile>(std::move(f));
}
template <class F>
auto skip_while(F f) {
  return pipe_to<SkipWhile>(std::move(f));
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_SLICE_H_
