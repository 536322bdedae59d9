// select(): waits for the first of several futures, and drops the others.
//
//   auto first = co_await eddy::select(stream.read(buffer), sleep(5s));
//   if (first.index() == 1) co_return absl::DeadlineExceededError("idle");
//   absl::StatusOr<size_t> read = std::get<0>(std::move(first));
//
// The output is a std::variant; its index says which future it was. One of void
// is a std::monostate, one of T& a std::reference_wrapper<T>. What may be
// passed: futures by value; futures by lvalue, which are used in place and can
// be awaited again if they lost; and callables that make a future, for those
// that can't be moved. One that keeps its progress in itself, as read_exact(),
// is refused by value: see CancelSafe.
//
// Each poll begins with a random child, so that one that is always ready
// starves nobody. select_biased() polls in the order of its arguments: put what
// matters more, or is ready less often, first.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits.
// Owner:   the losers that are owned are destroyed before the result is there:
//          what they borrowed is free again. May be moved until the first poll.
#ifndef EDDY_RUNTIME_COMBINATORS_SELECT_H_
#define EDDY_RUNTIME_COMBINATORS_SELECT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "runtime/combinators/children.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {
namespace combinators {

enum class Start : uint8_t { kRandom, kFirst };

// A number of 0 .. count - 1, from a generator of this thread.
std::size_t random_start(std::size_t count);

// Makes the random starts of this thread repeatable.
void seed_random_starts(uint64_t seed);

}  // namespace combinators

template <combinators::Start kStart, Future... Fs>
class [[nodiscard]] Select {
 public:
  using Output = std::variant<task::Storable<OutputOf<Fs>>...>;

  explicit Select(task::Child<Fs>... children)
      : children_(std::move(children)...) {}

  Poll<Output> poll(Context& cx) {
    return children_.drop_unless_pending([&]() -> Poll<Output> {
      std::size_t index = 0;
      if constexpr (kStart == combinators::Start::kRandom && kCount > 1) {
        index = combinators::random_start(kCount);
      }
      for (std::size_t polled = 0; polled < kCount; ++polled) {
        Poll<Output> result = kPollers[index](children_, cx);
        if (result.is_ready()) return result;
        if (++index == kCount) index = 0;
      }
      return kPending;
    });
  }

 private:
  using Children = combinators::Children<Fs...>;
  using Poller = Poll<Output> (*)(Children&, Context&);
  static constexpr std::size_t kCount = sizeof...(Fs);

  template <std::size_t kIndex>
  static Poll<Output> poll_one(Children& children, Context& cx) {
    auto& child = children.template get<kIndex>();
    if (!child.poll(cx)) return kPending;
    return Output(std::in_place_index<kIndex>, child.take());
  }

  template <std::size_t... kIndices>
  static constexpr std::array<Poller, kCount> make_pollers(
      std::index_sequence<kIndices...>) {
    return {&poll_one<kIndices>...};
  }
  static constexpr std::array<Poller, kCount> kPollers =
      make_pollers(std::make_index_sequence<kCount>());

  Children children_;
};

template <task::ChildLike... Ss>
requires(sizeof...(Ss) > 0) auto select(Ss&&... futures) {
  (task::require_cancel_safe<task::ChildFuture<Ss>>(), ...);
  return Select<combinators::Start::kRandom, task::ChildFuture<Ss>...>(
      task::as_child(std::forward<Ss>(futures))...);
}

template <task::ChildLike... Ss>
requires(sizeof...(Ss) > 0) auto select_biased(Ss&&... futures) {
  (task::require_cancel_safe<task::ChildFuture<Ss>>(), ...);
  return Select<combinators::Start::kFirst, task::ChildFuture<Ss>...>(
      task::as_child(std::forward<Ss>(futures))...);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_SELECT_H_
