// The order of sources, checked by the compiler.
#include "runtime/scheduler/policy.h"

#include <gtest/gtest.h>

namespace eddy::scheduler {
namespace {

constexpr Policy kPolicy;

// The slot first, since its task is warm.
static_assert(kPolicy.order(1, 0).front() == Source::kNext);
static_assert(kPolicy.order(60, 2).front() == Source::kNext);

// Each injection_interval-th time the injection queue, whatever else there is.
static_assert(kPolicy.order(61, 0).front() == Source::kInjection);
static_assert(kPolicy.order(122, 2).front() == Source::kInjection);
static_assert(kPolicy.order(0, 0).front() == Source::kInjection);
static_assert(kPolicy.order(61, 9)[1] == Source::kLocal);

// A slot that served next_limit times in a row comes last.
static_assert(kPolicy.order(1, 3).front() == Source::kLocal);
static_assert(kPolicy.order(1, 3).back() == Source::kNext);
static_assert(kPolicy.order(1, UINT32_MAX).back() == Source::kNext);

// H1: every order names every source, so no source is left out for ever.
constexpr bool is_complete(SearchOrder order) {
  int seen = 0;
  for (Source source : order) seen |= 1 << static_cast<int>(source);
  return seen == 7;
}
constexpr bool all_orders_are_complete() {
  for (uint32_t tick = 0; tick < 200; ++tick) {
    for (uint32_t streak = 0; streak < 6; ++streak) {
      if (!is_complete(kPolicy.order(tick, streak))) return false;
    }
  }
  return true;
}
static_assert(all_orders_are_complete());

// H1: in each round of injection_interval turns there is one that begins with
// the injection queue; in each next_limit + 1 one that does not begin with the
// slot, if the slot always has a task.
constexpr uint32_t turns_until(Source wanted, Policy policy) {
  uint32_t streak = 0;
  uint32_t longest = 0;
  uint32_t since = 0;
  for (uint32_t tick = 1; tick < 5000; ++tick) {
    const Source first = policy.order(tick, streak).front();
    streak = first == Source::kNext ? streak + 1 : 0;
    since = first == wanted ? 0 : since + 1;
    longest = since > longest ? since : longest;
  }
  return longest;
}
static_assert(turns_until(Source::kInjection, Policy{}) == 60);
static_assert(turns_until(Source::kInjection,
                          Policy{.injection_interval = 1}) == 0);
static_assert(turns_until(Source::kLocal, Policy{}) <= 2 * 3 + 1);
static_assert(turns_until(Source::kNext, Policy{}) <= 2);

TEST(Policy, IsCheckedByTheCompiler) {}

}  // namespace
}  // namespace eddy::scheduler
