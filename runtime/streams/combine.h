// chain(), zip() and merge(): two streams as one.
//
//   a | chain(b)  the items of a, then those of b
//   a | zip(b)    std::pair(item of a, item of b), until one of them ends
//   a | merge(b)  the items of both as they come, until both have ended
//
//   auto commands = keyboard | streams::merge(network);
//
// merge() begins each poll with the other stream than the one before, so that
// one whose items are always there starves nobody. For many streams there is
// StreamMap.
//
// Threads: belongs to one task.
// Cancel:  destroys the streams that are owned, and an item of zip() that waits
//          for its partner; a dropped next() keeps it.
// Owner:   may be moved until its first poll.
#ifndef EDDY_RUNTIME_STREAMS_COMBINE_H_
#define EDDY_RUNTIME_STREAMS_COMBINE_H_

#include <concepts>
#include <optional>
#include <utility>

#include "runtime/streams/stream.h"

namespace eddy::streams {

template <class A, class B>
class [[nodiscard]] Chain : public StreamBase<Chain<A, B>> {
 public:
  using Item = ItemOf<A>;

  Chain(A&& first, B&& second)
      : first_(std::forward<A>(first)), second_(std::forward<B>(second)) {}

  PollNext<Item> poll_next(Context& cx) {
    if (!first_ended_) {
      PollNext<Item> next = first_.poll_next(cx);
      if (next.is_pending() || has_item(next)) return next;
      first_ended_ = true;
    }
    return second_.poll_next(cx);
  }

 private:
  A first_;
  B second_;
  bool first_ended_ = false;
};

template <class A, class B>
class [[nodiscard]] Zip : public StreamBase<Zip<A, B>> {
 public:
  using Item = std::pair<ItemOf<A>, ItemOf<B>>;

  Zip(A&& first, B&& second)
      : first_(std::forward<A>(first)), second_(std::forward<B>(second)) {}

  PollNext<Item> poll_next(Context& cx) {
    if (poll_half(first_, first_item_, cx) ||
        poll_half(second_, second_item_, cx)) {
      return std::nullopt;
    }
    if (!first_item_.has_value() || !second_item_.has_value()) return kPending;
    std::optional<Item> item(std::in_place, *std::move(first_item_),
                             *std::move(second_item_));
    first_item_.reset();
    second_item_.reset();
    return item;
  }

 private:
  // True at the end.
  template <class S>
  static bool poll_half(S& stream, std::optional<ItemOf<S>>& item,
                        Context& cx) {
    if (item.has_value()) return false;
    PollNext<ItemOf<S>> next = stream.poll_next(cx);
    if (next.is_pending()) return false;
    if (!has_item(next)) return true;
    item.emplace(take_item(next));
    return false;
  }

  A first_;
  B second_;
  std::optional<ItemOf<A>> first_item_;
  std::optional<ItemOf<B>> second_item_;
};

template <class A, class B>
class [[nodiscard]] Merge : public StreamBase<Merge<A, B>> {
 public:
  using Item = ItemOf<A>;

  Merge(A&& first, B&& second)
      : first_(std::forward<A>(first)), second_(std::forward<B>(second)) {}

  PollNext<Item> poll_next(Context& cx) {
    first_is_next_ = !first_is_next_;
    for (bool of_first : {first_is_next_, !first_is_next_}) {
      PollNext<Item> next = of_first ? poll_one(first_, first_ended_, cx)
                                     : poll_one(second_, second_ended_, cx);
      if (has_item(next)) return next;
    }
    if (first_ended_ && second_ended_) return std::nullopt;
    return kPending;
  }

 private:
  template <class S>
  static PollNext<Item> poll_one(S& stream, bool& ended, Context& cx) {
    if (ended) return std::nullopt;
    PollNext<Item> next = stream.poll_next(cx);
    ended = next.is_ready() && !has_item(next);
    return next;
  }

  A first_;
  B second_;
  bool first_is_next_ = false;
  bool first_ended_ = false;
  bool second_ended_ = false;
};

// What stands behind the `|`: Adapter<S, Other>(stream, other).
template <template <class, class> class Adapter, class Other>
class [[nodiscard]] PipeWith {
 public:
  explicit PipeWith(Other&& other) : other_(std::forward<Other>(other)) {}

  template <Stream S>
  friend auto operator|(S&& stream, PipeWith pipe) {
    return Adapter<S, Other>(std::forward<S>(stream),
                             std::forward<Other>(pipe.other_));
  }

 private:
  Other other_;
};

template <Stream Other>
auto chain(Other&& other) {
  return PipeWith<Chain, Other>(std::forward<Other>(other));
}
template <Stream Other>
auto zip(Other&& other) {
  return PipeWith<Zip, Other>(std::forward<Other>(other));
}
template <Stream Other>
auto merge(Other&& other) {
  return PipeWith<Merge, Other>(std::forward<Other>(other));
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_COMBINE_H_
