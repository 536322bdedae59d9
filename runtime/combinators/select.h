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
// starves nobody. What is ready at the first poll is found before any of the
// others begins to wait, where they can be asked (see PollsNow).
// select_biased() polls in the order of its arguments: put what matters more,
// or is ready less often, first.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits.
// Owner:   the losers that are owned are destroyed before the result is there:
//          what they borrowed is free again. May be moved until the first poll.
#ifndef EDDY_RUNTIME_COMBINATORS_SELECT_H_
#define EDDY_RUNTIME_COMBINATORS_SELECT_H_

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
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

  template <class... Us>
  explicit Select(std::in_place_t, Us&&... futures)
      : children_(std::in_place, std::forward<Us>(futures)...) {}

  Poll<Output> poll(Context& cx) {
    return children_.drop_unless_pending([&]() -> Poll<Output> {
      std::size_t start = 0;
      if constexpr (kStart == combinators::Start::kRandom && kCount > 1) {
        start = combinators::random_start(kCount);
      }
      if (std::exchange(is_begun_, true) || !kAsks) {
        return poll_all<Pass::kEach>(start, cx);
      }
      Poll<Output> ready = poll_all<Pass::kFirst>(start, cx);
      if (ready.is_ready()) return ready;
      return poll_all<Pass::kSecond>(start, cx);
    });
  }

 private:
  static constexpr std::size_t kCount = sizeof...(Fs);
  template <class F>
  static constexpr bool kIsAsked = !std::is_reference_v<F> && PollsNow<F>;
  static constexpr bool kAsks = (kIsAsked<Fs> || ...);

  // The first poll has two passes. Who can be asked whether it is ready now is
  // asked in the first and polled in the second; others are polled in the
  // first. What the user keeps is polled in any case: it has its place then.
  enum class Pass : uint8_t { kEach, kFirst, kSecond };

  template <Pass kPass>
  Poll<Output> poll_all(std::size_t index, Context& cx) {
    for (std::size_t polled = 0; polled < kCount; ++polled) {
      Poll<Output> result = poll_at<kPass, 0>(index, cx);
      if (result.is_ready()) return result;
      if (++index == kCount) index = 0;
    }
    return kPending;
  }

  template <Pass kPass, std::size_t kIndex>
  Poll<Output> poll_at(std::size_t index, Context& cx) {
    if constexpr (kIndex + 1 < kCount) {
      if (index != kIndex) return poll_at<kPass, kIndex + 1>(index, cx);
    }
    using F = std::tuple_element_t<kIndex, std::tuple<Fs...>>;
    if constexpr (kPass == Pass::kSecond && !kIsAsked<F>) {
      return kPending;
    } else {
      constexpr bool kNow = kPass == Pass::kFirst && kIsAsked<F>;
      auto result =
          children_.template get<kIndex>().template poll_and_take<kNow>(cx);
      if (result.is_pending()) return kPending;
      return Output(std::in_place_index<kIndex>, *std::move(result));
    }
  }

  combinators::Children<Fs...> children_;
  bool is_begun_ = false;
};

template <task::ChildLike... Ss>
  requires(sizeof...(Ss) > 0)
auto select(Ss&&... futures) {
  (task::require_cancel_safe<task::ChildFuture<Ss>>(), ...);
  return Select<combinators::Start::kRandom, task::ChildFuture<Ss>...>(
      std::in_place, task::ChildSource<Ss>(std::forward<Ss>(futures))...);
}

template <task::ChildLike... Ss>
  requires(sizeof...(Ss) > 0)
auto select_biased(Ss&&... futures) {
  (task::require_cancel_safe<task::ChildFuture<Ss>>(), ...);
  return Select<combinators::Start::kFirst, task::ChildFuture<Ss>...>(
      std::in_place, task::ChildSource<Ss>(std::forward<Ss>(futures))...);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_SELECT_H_
