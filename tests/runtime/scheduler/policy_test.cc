// The order of sources, checked by the compiler.
#include "runtime/scheduler/policy.h"

#include <gtest/gtest.h>

namespace eddy::scheduler {
namespace {

enum class Source : uint8_t { kNext, kLocal, kInjection };

constexpr Source kNext = Source::kNext, kLocal = Source::kLocal,
                 kInjection = Source::kInjection;

// The place of `source` in the order of the turn after `turns`: 0 to 2.
constexpr int place(Source source, Turns turns, Policy policy = {}) {
  int asked = 0, place = -1;
  const auto ask = [&](Source who) -> const Source* {
    if (who == source) place = asked;
    ++asked;
    return nullptr;
  };
  policy.pick(
      turns, [&] { return ask(kNext); }, [&] { return ask(kLocal); },
      [&] { return ask(kInjection); });
  return asked == 3 ? place : -1;  // each source is asked once
}

// One turn in which every source has a task: who served it.
constexpr Source serve(Turns& turns, Policy policy) {
  return *policy.pick(
      turns, [] { return &kNext; }, [] { return &kLocal; },
      [] { return &kInjection; });
}

constexpr Turns turns(uint32_t since_injection, uint32_t next_streak) {
  return {.since_injection = since_injection, .next_streak = next_streak};
}

// The slot first, since its task is warm.
static_assert(place(kNext, turns(0, 0)) == 0);
static_assert(place(kNext, turns(59, 2)) == 0);

// Each injection_interval-th time the injection queue, whatever else there is.
static_assert(place(kInjection, turns(60, 0)) == 0);
static_assert(place(kInjection, turns(60, 2)) == 0);
static_assert(place(kLocal, turns(60, 9)) == 1);

// A slot that served next_limit times in a row comes last.
static_assert(place(kLocal, turns(0, 3)) == 0);
static_assert(place(kNext, turns(0, 3)) == 2);
static_assert(place(kNext, turns(0, UINT32_MAX)) == 2);

// H1: every turn asks every source, so no source is left out for ever.
constexpr bool all_turns_are_complete() {
  for (uint32_t since = 0; since < 200; ++since) {
    for (uint32_t streak = 0; streak < 6; ++streak) {
      for (Source source : {kNext, kLocal, kInjection}) {
        if (place(source, turns(since, streak)) < 0) return false;
      }
    }
  }
  return true;
}
static_assert(all_turns_are_complete());

// H1: in each round of injection_interval turns there is one that begins with
// the injection queue; in each next_limit + 1 one that does not begin with the
// slot, if all have a task at all times.
constexpr uint32_t turns_until(Source wanted, Policy policy) {
  Turns turns;
  uint32_t longest = 0;
  uint32_t since = 0;
  for (uint32_t turn = 1; turn < 5000; ++turn) {
    since = serve(turns, policy) == wanted ? 0 : since + 1;
    longest = since > longest ? since : longest;
  }
  return longest;
}
static_assert(turns_until(kInjection, Policy{}) == 60);
static_assert(turns_until(kInjection, Policy{.injection_interval = 1}) == 0);
static_assert(turns_until(kLocal, Policy{}) <= 2 * 3 + 1);
static_assert(turns_until(kNext, Policy{}) <= 2);

TEST(Policy, IsCheckedByTheCompiler) {}

}  // namespace
}  // namespace eddy::scheduler
