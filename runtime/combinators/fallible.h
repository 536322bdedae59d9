// What try_join() and try_join_all() know of absl::Status and
// absl::StatusOr<T>.
#ifndef EDDY_RUNTIME_COMBINATORS_FALLIBLE_H_
#define EDDY_RUNTIME_COMBINATORS_FALLIBLE_H_

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/task/future.h"

namespace eddy::combinators {

// What is left of a Status or StatusOr that is ok.
inline std::monostate success(absl::Status&&) { return {}; }
template <class T>
T success(absl::StatusOr<T>&& result) {
  return *std::move(result);
}

inline const absl::Status& status_of(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& status_of(const absl::StatusOr<T>& result) {
  return result.status();
}

template <class F>
concept Fallible = requires(OutputOf<F> output) { status_of(output); };

template <Fallible F>
using Success = decltype(success(std::declval<OutputOf<F>>()));

}  // namespace eddy::combinators

#endif  // EDDY_RUNTIME_COMBINATORS_FALLIBLE_H_
