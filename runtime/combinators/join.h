// join(): waits for all of several futures, in one task.
//
//   auto [user, orders] = co_await eddy::join(load_user(id), load_orders(id));
//
// The outputs come as a std::tuple. One of void is a std::monostate, one of T&
// a std::reference_wrapper<T>. What may be passed: futures by value; futures by
// lvalue, which are used in place; and callables that make a future, for those
// that can't be moved.
//
// The children run interleaved and never at the same time. Each wake polls all
// children that are not ready: for many of them there is join_all(), and for
// parallel work spawn tasks.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits.
// Owner:   a child is destroyed as soon as it is ready. May be moved until the
//          first poll.
#ifndef EDDY_RUNTIME_COMBINATORS_JOIN_H_
#define EDDY_RUNTIME_COMBINATORS_JOIN_H_

#include <tuple>
#include <utility>

#include "runtime/combinators/children.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <Future... Fs>
class [[nodiscard]] Join {
 public:
  using Output = std::tuple<task::Storable<OutputOf<Fs>>...>;
  static constexpr bool kLosesProgress = (!CancelSafe<Fs> || ...);

  explicit Join(task::Child<Fs>... children)
      : children_(std::move(children)...) {}

  Poll<Output> poll(Context& cx) {
    return children_.drop_unless_pending([&]() -> Poll<Output> {
      bool all_ready = true;
      children_.for_each([&](auto& child) { all_ready &= child.poll(cx); });
      if (!all_ready) return kPending;
      return children_.apply(
          [](auto&... child) { return Output(child.take()...); });
    });
  }

 private:
  combinators::Children<Fs...> children_;
};

template <task::ChildLike... Ss>
auto join(Ss&&... futures) {
  return Join<task::ChildFuture<Ss>...>(
      task::as_child(std::forward<Ss>(futures))...);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_JOIN_H_
