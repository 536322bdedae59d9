// select_all(): waits for the first of a range of futures, and drops the
// others.
//
//   auto [index, reply] = co_await eddy::select_all(std::move(mirrors));
//
//   // Used in place: what has lost can be awaited again.
//   std::vector<eddy::Task<int>> tasks = ...;
//   auto first = co_await eddy::select_all(tasks);
//
// The output is a pair: the place in the range, and the output of that future,
// where one of void is a std::monostate and one of T& a
// std::reference_wrapper<T>. What may be passed: as for join_all(), and at
// least one future. The first polls begin with a random child; after that,
// children are polled as they are woken.
//
// Threads: belongs to one task.
// Cancel:  destroys the children that are owned, last first.
// Errors:  when a child throws, the others are destroyed on the spot, and the
//          exception goes to whoever awaits. An empty range is misuse.
// Owner:   the losers that are owned are destroyed before the result is there.
//          May be moved at any time.
#ifndef EDDY_RUNTIME_COMBINATORS_SELECT_ALL_H_
#define EDDY_RUNTIME_COMBINATORS_SELECT_ALL_H_

#include <cstddef>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/combinators/child_set.h"
#include "runtime/combinators/select.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <Future F>
class [[nodiscard]] SelectAll {
 public:
  using Output = std::pair<std::size_t, task::Storable<OutputOf<F>>>;

  explicit SelectAll(combinators::ChildSet children)
      : children_(std::move(children)) {
    EDDY_CHECK(!children_.empty(),
               "select_all(): of an empty range nothing is ever ready");
    children_.rotate_first_polls(combinators::random_start(children_.size()));
  }

  Poll<Output> poll(Context& cx) {
    EDDY_DCHECK(!children_.empty(),
                "select_all() is polled after it was ready");
    try {
      Poll<combinators::ChildNode&> ready = children_.poll(cx);
      if (ready.is_pending()) return kPending;
      std::size_t index = 0;
      for (combinators::ChildNode* node = children_.first(); node != &*ready;
           node = node->next()) {
        ++index;
      }
      Output result(index, combinators::ChildOf<F>::of(*ready).take());
      children_.clear();
      return result;
    } catch (...) {
      children_.clear();
      throw;
    }
  }

 private:
  combinators::ChildSet children_;
};

template <combinators::ChildRange Range>
auto select_all(Range&& futures) {
  task::require_cancel_safe<combinators::ChildOfRange<Range>>();
  return SelectAll<combinators::ChildOfRange<Range>>(
      combinators::children_of(std::forward<Range>(futures)));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_SELECT_ALL_H_
