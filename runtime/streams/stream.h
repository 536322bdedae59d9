// Stream: what gives one item after the other, as a future gives one value. A
// type with an `Item` and `Poll<std::optional<Item>> poll_next(Context&)`; an
// empty optional is the end.
//
//   eddy::Generator<int> count_to(int last) {
//     for (int i = 1; i <= last; ++i) co_yield i;
//   }
//   ...
//   auto squares = count_to(10) | streams::map([](int i) { return i * i; });
//   while (std::optional<int> square = co_await squares.next()) use(*square);
//
// The contract is that of a future, and:
// - After the end it is not polled again, unless it says that it may be.
// - A stream whose items are always there spends the budget of its poll.
// - It may be moved until its first poll.
// - One that derives from StreamBase has a next(); for all others there is
//   streams::next(stream).
//
// Threads: a stream belongs to one task.
// Cancel:  a dropped next() loses no item: the next next() gives it.
#ifndef EDDY_RUNTIME_STREAMS_STREAM_H_
#define EDDY_RUNTIME_STREAMS_STREAM_H_

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/task/future.h"

namespace eddy {

// What poll_next() answers: an item, the end (std::nullopt), or kPending.
template <class Item>
using PollNext = Poll<std::optional<Item>>;

template <class S>
concept Stream = requires(std::remove_reference_t<S>& stream, Context& cx) {
  typename std::remove_reference_t<S>::Item;
  {
    stream.poll_next(cx)
  } -> std::same_as<PollNext<typename std::remove_reference_t<S>::Item>>;
};

template <Stream S>
using ItemOf = typename std::remove_reference_t<S>::Item;

namespace streams {

// A Future of the next item, or of an empty optional at the end. Borrows the
// stream.
template <class S>
class [[nodiscard]] Next {
 public:
  using Output = std::optional<ItemOf<S>>;

  explicit Next(S& stream) : stream_(&stream) {}

  Poll<Output> poll(Context& cx) { return stream_->poll_next(cx); }

 private:
  S* stream_;
};

template <Stream S>
Next<S> next(S& stream) {
  return Next<S>(stream);
}

// For adapters: an item has come; and it, taken.
template <class Item>
bool has_item(PollNext<Item>& poll) {
  return poll.is_ready() && poll->has_value();
}
template <class Item>
Item take_item(PollNext<Item>& poll) {
  return **std::move(poll);
}

}  // namespace streams

// Gives the stream Self a next().
template <class Self>
class StreamBase {
 public:
  streams::Next<Self> next() {
    return streams::Next<Self>(static_cast<Self&>(*this));
  }

 protected:
  StreamBase() = default;
  ~StreamBase() = default;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_STREAMS_STREAM_H_
