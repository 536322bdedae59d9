// The order of sources, checked by the compiler.
#include "runtime/scheduler/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace eddy::scheduler {
namespace {

enum class Source : uint8_t { kNext, kLocal, kInjection };

constexpr Source kNext = Source::kNext, kLocal = Source::kLocal,
                 kInjection = Source::kInjection;

// A core whose sources have `next`, `local` and `injected` tasks, and which
// notes in what order it is asked for them.
struct Core {
  uint32_t next = 0, local = 0, injected = 0;
  bool replenish = false;  // a task that was taken is replaced at once
  int asked = 0;
  int place[3] = {-1, -1, -1};

  constexpr const Source* take(uint32_t& tasks, const Source& source) {
    place[static_cast<int>(source)] = asked++;
    if (tasks == 0) return nullptr;
    if (!replenish) --tasks;
    return &source;
  }
  constexpr bool has_next() {
    place[static_cast<int>(kNext)] = asked++;
    return next > 0;
  }
  constexpr const Source* take_next() { return take(next, kNext); }
  constexpr const Source* take_local() { return take(local, kLocal); }
  constexpr const Source* take_injected() { return take(injected, kInjection); }
  constexpr uint32_t local_size() const { return local; }
  constexpr bool seems_injected() const { return injected > 0; }
  constexpr void demote_next() {
    local += next;
    next = 0;
  }
};

constexpr Turns turns(uint32_t since_injection, uint32_t next_streak,
                      uint32_t left_of_round = 100) {
  const uint32_t left_of_interval =
      since_injection < 60 ? 60 - since_injection : 0;
  const uint32_t left = std::min(left_of_round, left_of_interval);
  return {.until_look = left,
          .between_looks = left,
          .since_injection = since_injection,
          .next_streak = next_streak};
}

constexpr Source serve(Turns turns, Core core, Policy policy = {}) {
  return *policy.pick(turns, core);
}

constexpr Core kFull = {.next = 1, .local = 9, .injected = 9};

// The slot first, since its task is warm.
static_assert(serve(turns(0, 0), kFull) == kNext);
static_assert(serve(turns(59, 2), kFull) == kNext);

// Each injection_interval-th time the injection queue, whatever else there is;
// then the local queue before the slot.
static_assert(serve(turns(60, 0), kFull) == kInjection);
static_assert(serve(turns(60, 2), kFull) == kInjection);
static_assert(serve(turns(60, 0), {.next = 1, .local = 9}) == kLocal);
static_assert(serve(turns(60, 0), {.next = 1}) == kNext);

// And at the end of a round of the local queue, if there seems to be work.
static_assert(serve(turns(0, 0, 0), kFull) == kInjection);
static_assert(serve(turns(0, 0, 0), {.next = 1, .local = 9}) == kNext);
static_assert(serve(turns(0, 0, 1), kFull) == kNext);

// H2: nothing is left in the slot, where nobody could steal it, while a task
// runs that does not come from there.
constexpr uint32_t left_in_slot(Turns turns, Core core) {
  Policy().pick(turns, core);
  return core.next;
}
static_assert(left_in_slot(turns(60, 0), kFull) == 0);
static_assert(left_in_slot(turns(0, 0, 0), kFull) == 0);
static_assert(left_in_slot(turns(60, 0), {.next = 1, .local = 9}) == 0);

// A slot that served next_limit times in a row goes to the end of the queue, if
// there is one.
static_assert(serve(turns(0, 3), kFull) == kLocal);
static_assert(serve(turns(0, UINT32_MAX), kFull) == kLocal);
static_assert(serve(turns(0, 3), {.next = 1, .injected = 9}) == kNext);

// H1: every turn asks every source before it gives up.
constexpr bool all_turns_are_complete() {
  for (uint32_t since = 0; since < 100; ++since) {
    for (uint32_t streak = 0; streak < 6; ++streak) {
      for (uint32_t left = 0; left < 3; ++left) {
        Core empty;
        Turns now = turns(since, streak, left);
        if (Policy().pick(now, empty) != nullptr) return false;
        for (int place : empty.place) {
          if (place < 0) return false;
        }
      }
    }
  }
  return true;
}
static_assert(all_turns_are_complete());

// H1: the most turns for which `wanted` is not served, while all sources always
// have a task, `local` of them in the local queue.
constexpr uint32_t longest_wait(Source wanted, uint32_t local,
                                Policy policy = {}) {
  Turns turns;
  Core core{.next = 1, .local = local, .injected = 1, .replenish = true};
  uint32_t longest = 0, since = 0;
  for (uint32_t turn = 0; turn < 5000; ++turn) {
    since = *policy.pick(turns, core) == wanted ? 0 : since + 1;
    longest = since > longest ? since : longest;
    core.next = 1;  // what was demoted is replaced
    core.local = local;
  }
  return longest;
}
static_assert(longest_wait(kInjection, 1000) == 60);
static_assert(longest_wait(kInjection, 5) == 5);
static_assert(longest_wait(kInjection, 1000, {.injection_interval = 1}) == 0);
static_assert(longest_wait(kInjection, 1000, {.injection_interval = 2}) == 1);
static_assert(longest_wait(kInjection, 0) == 3);
static_assert(longest_wait(kInjection, 0, {.next_limit = 0}) == 0);
static_assert(longest_wait(kNext, 1000) <= 2);
static_assert(longest_wait(kLocal, 1) == 5);
static_assert(longest_wait(kLocal, 3) == 5);
static_assert(longest_wait(kLocal, 4) == 4);
static_assert(longest_wait(kLocal, 10) == 4);

TEST(Policy, IsCheckedByTheCompiler) {}

}  // namespace
}  // namespace eddy::scheduler
