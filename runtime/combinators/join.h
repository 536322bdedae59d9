// join(): waits for all of several futures, in one task.
//
//   auto [user, orders] = co_await eddy::join(load_user(id), load_orders(id));
//   std::vector<int> sizes = co_await eddy::join_all(std::move(downloads));
//
// The outputs come as a std::tuple, or a std::vector. One of void is a
// std::monostate, one of T& a std::reference_wrapper<T>. What may be passed:
// futures by value; futures by lvalue, which are used in place; and callables
// that make a future, for those that can't be moved.
//
// The children run interleaved and never at the same time. Each wake polls all
// children that are not ready: for many of them, or for parallel work, spawn
// tasks.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits.
// Owner:   a child is destroyed as soon as it is ready. May be moved until the
//          first poll.
#ifndef EDDY_RUNTIME_COMBINATORS_JOIN_H_
#define EDDY_RUNTIME_COMBINATORS_JOIN_H_

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/combinators/children.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <Future... Fs>
class [[nodiscard]] Join {
 public:
  using Output = std::tuple<task::Storable<OutputOf<Fs>>...>;

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

template <Future F>
class [[nodiscard]] JoinAll {
 public:
  using Output = std::vector<task::Storable<OutputOf<F>>>;

  explicit JoinAll(std::vector<F> futures) {
    children_.reserve(futures.size());
    for (F& future : futures) children_.emplace_back(std::move(future));
  }

  Poll<Output> poll(Context& cx) {
    try {
      bool all_ready = true;
      for (auto& child : children_) all_ready &= child.poll(cx);
      if (!all_ready) return kPending;
      Output values;
      values.reserve(children_.size());
      for (auto& child : children_) values.push_back(child.take());
      return values;
    } catch (...) {
      while (!children_.empty()) children_.pop_back();
      throw;
    }
  }

 private:
  std::vector<task::Child<F>> children_;
};

template <task::ChildLike... Ss>
auto join(Ss&&... futures) {
  return Join<task::ChildFuture<Ss>...>(
      task::as_child(std::forward<Ss>(futures))...);
}

template <Future F>
JoinAll<F> join_all(std::vector<F> futures) {
  return JoinAll<F>(std::move(futures));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_JOIN_H_
