// join_all() and try_join_all(): wait for all of a range of futures, in one
// task.
//
//   std::vector<eddy::Task<int>> downloads = ...;
//   std::vector<int> sizes = co_await eddy::join_all(std::move(downloads));
//
//   absl::StatusOr<std::vector<User>> users =
//       co_await eddy::try_join_all(std::move(lookups));
//
// The outputs come in the order of the range. One of void is a std::monostate,
// one of T& a std::reference_wrapper<T>. try_join_all() is for futures that
// give absl::Status or absl::StatusOr<T>: the first error is the answer, and
// the others are destroyed on the spot.
//
// Of a range by value the futures are moved out; those of a range by lvalue are
// used in place, or made by it, as std::views::transform() does. Elements may
// also be callables that make a future.
//
// Each child has a waker of its own, so that a wake polls one child and not
// all: ten thousand are no problem. They run interleaved, never at the same
// time.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first, and the outputs of
//          those that were ready.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits.
// Owner:   a child is destroyed as soon as it is ready. May be moved at any
//          time.
#ifndef EDDY_RUNTIME_COMBINATORS_JOIN_ALL_H_
#define EDDY_RUNTIME_COMBINATORS_JOIN_ALL_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/base/check.h"
#include "runtime/combinators/child_set.h"
#include "runtime/combinators/fallible.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <Future F>
class [[nodiscard]] JoinAll {
 public:
  using Output = std::vector<task::Storable<OutputOf<F>>>;
  static constexpr bool kLosesProgress = !CancelSafe<F>;

  explicit JoinAll(combinators::ChildSet children)
      : children_(std::move(children)), running_(children_.size()) {}

  Poll<Output> poll(Context& cx) {
    EDDY_DCHECK(!is_over_, "join_all() is polled after it was ready");
    try {
      for (; running_ > 0; --running_) {
        if (children_.poll(cx).is_pending()) return kPending;
      }
      is_over_ = true;
      Output values;
      values.reserve(children_.size());
      while (combinators::ChildNode* node = children_.first()) {
        values.push_back(combinators::ChildOf<F>::of(*node).take());
        children_.remove(*node);
      }
      return values;
    } catch (...) {
      is_over_ = true;
      children_.clear();
      throw;
    }
  }

 private:
  combinators::ChildSet children_;
  std::size_t running_;
  bool is_over_ = false;
};

template <combinators::Fallible F>
class [[nodiscard]] TryJoinAll {
 public:
  using Values = std::vector<combinators::Success<F>>;
  using Output = absl::StatusOr<Values>;
  static constexpr bool kLosesProgress = !CancelSafe<F>;

  explicit TryJoinAll(combinators::ChildSet children)
      : children_(std::move(children)), running_(children_.size()) {}

  Poll<Output> poll(Context& cx) {
    EDDY_DCHECK(!is_over_, "try_join_all() is polled after it was ready");
    try {
      for (; running_ > 0; --running_) {
        Poll<combinators::ChildNode&> ready = children_.poll(cx);
        if (ready.is_pending()) return kPending;
        const absl::Status& status =
            combinators::status_of(child(*ready).value());
        if (status.ok()) continue;
        Output error(status);
        is_over_ = true;
        children_.clear();
        return error;
      }
      is_over_ = true;
      Values values;
      values.reserve(children_.size());
      while (combinators::ChildNode* node = children_.first()) {
        values.push_back(combinators::success(child(*node).take()));
        children_.remove(*node);
      }
      return Output(std::move(values));
    } catch (...) {
      is_over_ = true;
      children_.clear();
      throw;
    }
  }

 private:
  static combinators::ChildOf<F>& child(combinators::ChildNode& node) {
    return combinators::ChildOf<F>::of(node);
  }

  combinators::ChildSet children_;
  std::size_t running_;
  bool is_over_ = false;
};

template <combinators::ChildRange Range>
auto join_all(Range&& futures) {
  return JoinAll<combinators::ChildOfRange<Range>>(
      combinators::children_of(std::forward<Range>(futures)));
}

template <combinators::ChildRange Range>
auto try_join_all(Range&& futures) {
  return TryJoinAll<combinators::ChildOfRange<Range>>(
      combinators::children_of(std::forward<Range>(futures)));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_JOIN_ALL_H_
