// map(), filter(), filter_map(), then() and enumerate(): a stream whose items
// are made of those of another.
//
//   map(f)         f(item)
//   filter(f)      the items for which f(const item&) is true
//   filter_map(f)  what is in f(item), a std::optional, where that is not empty
//   then(f)        the output of the future f(item), one after the other; for
//                  several at once there is buffered()
//   enumerate()    std::pair(index, item)
//
//   auto lengths = lines | streams::filter(&is_text)
//                        | streams::then([](std::string line) -> Task<int> {
//                            co_return co_await measure(std::move(line));
//                          });
//
// Threads: belongs to one task.
// Cancel:  destroys the future of then(), f, and the stream if it is owned.
// Errors:  what f throws goes to whoever awaits; that item is lost.
// Owner:   may be moved until its first poll. Keeps f, which so may be a lambda
//          that captures and is a coroutine.
#ifndef EDDY_RUNTIME_STREAMS_TRANSFORM_H_
#define EDDY_RUNTIME_STREAMS_TRANSFORM_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/streams/in_place.h"
#include "runtime/streams/pipe.h"
#include "runtime/streams/stream.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy::streams {

template <class S, class F>
class [[nodiscard]] Map : public StreamBase<Map<S, F>> {
 public:
  using Item = std::decay_t<std::invoke_result_t<F&, ItemOf<S>>>;

  Map(S&& stream, F f) : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    PollNext<ItemOf<S>> next = stream_.poll_next(cx);
    if (next.is_pending()) return kPending;
    if (!has_item(next)) return std::nullopt;
    return std::optional<Item>(std::invoke(f_, take_item(next)));
  }

 private:
  F f_;
  S stream_;
};

template <class S, class F>
class [[nodiscard]] Filter : public StreamBase<Filter<S, F>> {
 public:
  using Item = ItemOf<S>;

  Filter(S&& stream, F f)
      : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    for (;;) {
      PollNext<Item> next = stream_.poll_next(cx);
      if (!has_item(next) || std::invoke(f_, std::as_const(**next))) {
        return next;
      }
    }
  }

 private:
  F f_;
  S stream_;
};

template <class S, class F>
class [[nodiscard]] FilterMap : public StreamBase<FilterMap<S, F>> {
 public:
  using Item = typename std::invoke_result_t<F&, ItemOf<S>>::value_type;

  FilterMap(S&& stream, F f)
      : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    for (;;) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) return std::nullopt;
      std::optional<Item> item = std::invoke(f_, take_item(next));
      if (item.has_value()) return item;
    }
  }

 private:
  F f_;
  S stream_;
};

template <class S, class F>
class [[nodiscard]] Then : public StreamBase<Then<S, F>> {
  using Made = std::invoke_result_t<F&, ItemOf<S>>;

 public:
  using Item = task::Storable<OutputOf<Made>>;

  Then(S&& stream, F f) : f_(std::move(f)), stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    if (!future_) {
      PollNext<ItemOf<S>> next = stream_.poll_next(cx);
      if (next.is_pending()) return kPending;
      if (!has_item(next)) return std::nullopt;
      future_.emplace([&] { return std::invoke(f_, take_item(next)); });
    }
    Poll<OutputOf<Made>> result = future_.poll(cx);
    if (result.is_pending()) return kPending;
    if constexpr (std::is_void_v<OutputOf<Made>>) {
      return std::optional<Item>(std::in_place);
    } else {
      return std::optional<Item>(*std::move(result));
    }
  }

 private:
  F f_;
  S stream_;
  InPlace<Made> future_;
};

template <class S>
class [[nodiscard]] Enumerate : public StreamBase<Enumerate<S>> {
 public:
  using Item = std::pair<std::size_t, ItemOf<S>>;

  explicit Enumerate(S&& stream) : stream_(std::forward<S>(stream)) {}

  PollNext<Item> poll_next(Context& cx) {
    PollNext<ItemOf<S>> next = stream_.poll_next(cx);
    if (next.is_pending()) return kPending;
    if (!has_item(next)) return std::nullopt;
    return std::optional<Item>(std::in_place, count_++, take_item(next));
  }

 private:
  S stream_;
  std::size_t count_ = 0;
};

template <class F>
auto map(F f) {
  return pipe_to<Map>(std::move(f));
}
template <class F>
auto filter(F f) {
  return pipe_to<Filter>(std::move(f));
}
template <class F>
auto filter_map(F f) {
  return pipe_to<FilterMap>(std::move(f));
}
template <class F>
auto then(F f) {
  return pipe_to<Then>(std::move(f));
}
inline auto enumerate() { return pipe_to<Enumerate>(); }

}  // namespace eddy::streams

#endif  // EDDY_RUNTIME_STREAMS_TRANSFORM_H_
