// try_join(): waits for all of several futures that may fail, until one does.
//
//   absl::StatusOr<std::tuple<User, Orders>> both =
//       co_await eddy::try_join(load_user(id), load_orders(id));
//
// The futures give absl::Status or absl::StatusOr<T>. The first error is the
// answer, and the others are destroyed on the spot. If all succeed, the answer
// is a tuple of the values, in which an absl::Status is a std::monostate.
//
// Threads, Cancel, Errors, Owner: as join().
#ifndef EDDY_RUNTIME_COMBINATORS_TRY_JOIN_H_
#define EDDY_RUNTIME_COMBINATORS_TRY_JOIN_H_

#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/combinators/children.h"
#include "runtime/combinators/fallible.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {

template <combinators::Fallible... Fs>
class [[nodiscard]] TryJoin {
 public:
  using Values = std::tuple<combinators::Success<Fs>...>;
  using Output = absl::StatusOr<Values>;
  static constexpr bool kLosesProgress = (!CancelSafe<Fs> || ...);

  explicit TryJoin(task::Child<Fs>... children)
      : children_(std::move(children)...) {}

  Poll<Output> poll(Context& cx) {
    return children_.drop_unless_pending([&]() -> Poll<Output> {
      bool all_ready = true;
      absl::Status error;
      children_.for_each([&](auto& child) {
        if (!error.ok()) return;
        if (!child.poll(cx)) {
          all_ready = false;
        } else {
          error = combinators::status_of(child.value());
        }
      });
      if (!error.ok()) return Output(std::move(error));
      if (!all_ready) return kPending;
      return children_.apply([](auto&... child) {
        return Output(Values(combinators::success(child.take())...));
      });
    });
  }

 private:
  combinators::Children<Fs...> children_;
};

template <task::ChildLike... Ss>
auto try_join(Ss&&... futures) {
  return TryJoin<task::ChildFuture<Ss>...>(
      task::as_child(std::forward<Ss>(futures))...);
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_COMBINATORS_TRY_JOIN_H_
