// EveryWait: what holds for each future that waits for something, whatever that
// is. wait_traits.h says what a kind of wait is.
//
//   EDDY_FOR_EVERY_WAIT(Sync, ::testing::Types<OfSemaphore, ...>);
//
// The waits are polled by hand, without a runtime. Rows D4, D5 and H1.
//
// The tests are in every_wait.cc, and each kind is a parameter: as typed tests,
// g++ took two minutes for those of sync/ with AddressSanitizer.
#ifndef EDDY_TESTS_SUPPORT_EVERY_WAIT_H_
#define EDDY_TESTS_SUPPORT_EVERY_WAIT_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/task/future.h"
#include "tests/support/any_kind.h"
#include "tests/support/wait_traits.h"
#include "tests/support/wake_counter.h"

namespace eddy::testing {

class EveryWait : public ::testing::TestWithParam<KindName> {
 protected:
  // `dropped` is not woken, and the next wait is served.
  void expect_forgotten(WakeCounter& dropped);

  const std::unique_ptr<AnyKind> of_ = GetParam().make();
};

// join() and select() take the wait as it is, and not only an AnyKind's.
template <class T>
constexpr bool can_be_combined() {
  using Wait = decltype(std::declval<T&>().wait());
  using Joined = decltype(join(std::declval<Wait>(), std::declval<Wait>()));
  using First = decltype(select_biased(droppable(std::declval<Wait>()),
                                       droppable(std::declval<Wait>())));
  return Future<Joined> && Future<First>;
}

template <class... Ts>
std::vector<KindName> waits_of(::testing::Types<Ts...> types) {
  static_assert((can_be_combined<Ts>() && ...));
  return kinds_of(types);
}

#define EDDY_FOR_EVERY_WAIT(prefix, ...)                             \
  INSTANTIATE_TEST_SUITE_P(                                          \
      prefix, EveryWait,                                             \
      ::testing::ValuesIn(::eddy::testing::waits_of(__VA_ARGS__())), \
      ::eddy::testing::name_of_kind)

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_EVERY_WAIT_H_
