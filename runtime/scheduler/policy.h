// Where a worker looks for its next task. Pure: no atomics, threads or clock.
//
// The order is what fairness rests on (see docs/fairness.md): the injection
// queue is looked at every injection_interval tasks although there is local
// work, and the next-task slot serves at most next_limit turns in a row.
#ifndef EDDY_RUNTIME_SCHEDULER_POLICY_H_
#define EDDY_RUNTIME_SCHEDULER_POLICY_H_

#include <array>
#include <cstdint>

namespace eddy::scheduler {

enum class Source : uint8_t { kNext, kLocal, kInjection };
using SearchOrder = std::array<Source, 3>;

struct Policy {
  uint32_t injection_interval = 61;  // prime, so it does not beat with batches
  uint32_t next_limit = 3;           // a ping-pong pair may not starve the rest

  // `tick`: tasks that this worker took so far. `next_streak`: turns in a row
  // that the next-task slot served.
  constexpr SearchOrder order(uint32_t tick, uint32_t next_streak) const {
    const bool injection_due = tick % injection_interval == 0;
    const bool next_had_enough = next_streak >= next_limit;
    if (injection_due) {
      return {Source::kInjection, Source::kLocal, Source::kNext};
    }
    if (next_had_enough) {
      return {Source::kLocal, Source::kInjection, Source::kNext};
    }
    return {Source::kNext, Source::kLocal, Source::kInjection};
  }
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_POLICY_H_
