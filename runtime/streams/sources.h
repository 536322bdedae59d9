// Streams of what is no stream yet.
//
//   items(range)       the elements of a range; of one by lvalue, copies
//   repeat(call)       the output of the future call(), again and again; where
//                      that is a std::optional, an empty one is the end
//   messages(channel)  repeat() of channel.recv(), as of an mpsc::Receiver or a
//                      broadcast::Receiver
//   changes(watch)     watch.borrow_and_update() after each watch.changed(), as
//                      of a watch::Receiver
//   ticks(interval)    repeat() of interval.tick(): times, without an end
//
//   auto batches = streams::messages(std::move(receiver))
//                  | streams::chunks_timeout(100, 10ms);
//
// A channel or interval by value is moved in; one by lvalue is used in place.
//
// Threads: belongs to one task.
// Cancel:  destroys the future in progress, and what is owned.
// Owner:   may be moved until its first poll.
#ifndef EDDY_RUNTIME_STREAMS_SOURCES_H_
#define EDDY_RUNTIME_STREAMS_SOURCES_H_

#include <functional>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/streams/in_place.h"
#include "runtime/streams/stream.h"
#include "runtime/task/callable.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy::streams {

template <class Range>
class [[nodiscard]] Items : public StreamBase<Items<Range>> {
  using Iterator = decltype(std::begin(std::declval<Range&>()));

 public:
  using Item = std::decay_t<decltype(*std::declval<Iterator&>())>;

  explicit Items(Range&& range) : range_(std::forward<Range>(range)) {}
  Items(Items&& other)
      : range_(std::forward<Range>(other.range_)),
        next_(std::move(other.next_)) {
    EDDY_CHECK(std::is_lvalue_reference_v<Range> || !next_.has_value(),
               "items(): moved after the first poll: move it before, or use it "
               "by reference");
  }

  PollNext<Item> poll_next(Context& cx) {
    // At the first poll: until then the range may be moved.
    if (!next_.has_value()) next_.emplace(std::begin(range_));
    if (*next_ == std::end(range_)) return std::nullopt;
    if (!cx.has_budget()) return cx.yield();
    cx.spend();
    std::optional<Item> item = element();
    ++*next_;
    return item;
  }

 private:
  std::optional<Item> element() {
    if constexpr (std::is_lvalue_reference_v<Range>) {
      return std::optional<Item>(**next_);
    } else {
      return std::optional<Item>(std::move(**next_));
    }
  }

  Range range_;
  std::optional<Iterator> next_;
};

// What repeat() makes of an output.
template <class Output>
struct RepeatedOf {
  using Item = task::Storable<Output>;
};
template <class T>
struct RepeatedOf<std::optional<T>> {
  using Item = T;
};

template <task::FutureFactory Call>
class [[nodiscard]] Repeat : public StreamBase<Repeat<Call>> {
  using Made = std::invoke_result_t<Call&>;
  using Output = OutputOf<Made>;

 public:
  using Item = typename RepeatedOf<Output>::Item;

  explicit Repeat(Call call) : call_(std::move(call)) {}

  PollNext<Item> poll_next(Context& cx) {
    if (!future_) future_.emplace([&] { return std::invoke(call_); });
    Poll<Output> result = future_.poll(cx);
    if (result.is_pending()) return kPending;
    if constexpr (std::is_void_v<Output>) {
      return std::optional<Item>(std::in_place);
    } else {
      return std::optional<Item>(*std::move(result));
    }
  }

 private:
  Call call_;
  InPlace<Made> future_;
};

template <class Watch>
class [[nodiscard]] Changes : public StreamBase<Changes<Watch>> {
  using Receiver = std::remove_reference_t<Watch>;
  using Changed = decltype(std::declval<Receiver&>().changed());

 public:
  using Item = decltype(std::declval<Receiver&>().borrow_and_update());

  explicit Changes(Watch&& watch) : watch_(std::forward<Watch>(watch)) {}

  PollNext<Item> poll_next(Context& cx) {
    if (!changed_) changed_.emplace([&] { return watch_.changed(); });
    Poll<bool> changed = changed_.poll(cx);
    if (changed.is_pending()) return kPending;
    if (!*changed) return std::nullopt;  // the senders are gone
    return std::optional<Item>(watch_.borrow_and_update());
  }

 private:
  Watch watch_;
  InPlace<Changed> changed_;
};

template <class Range>
Items<Range> items(Range&& range) {
  return Items<Range>(std::forward<Range>(range));
}

template <task::FutureFactory Call>
Repeat<Call> repeat(Call call) {
  return Repeat<Call>(std::move(call));
}

template <class Channel>
auto messages(Channel&& channel) {
  if constexpr (std::is_lvalue_reference_v<Channel>) {
    return repeat([&channel] { return channel.recv(); });
  } else {
    return repeat(
        [channel = std::move(channel)]() mutable { return channel.recv(); });
  }
}

template <class Watch>
Changes<Watch> changes(Watch&& watch) {
  return Changes<Watch>(std::forward<Watch>(watch));
}

template <class Interval>
auto ticks(Interval&& interval) {
  if constexpr (std::is_lvalue_reference_v<Interval>) {
    return repeat([&interval] { return interval.tick(); });
  } else {
    return repeat(
        [interval = std::move(interval)]() mutable { return interval.tick(); });
  }
}

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_SOURCES_H_
