// Where a worker looks for its next task. Pure: no atomics, threads or clock.
//
// The order is what fairness rests on (see docs/fairness.md): the injection
// queue comes first every injection_interval tasks although there is local
// work, and the next-task slot serves at most next_limit turns in a row.
#ifndef EDDY_RUNTIME_SCHEDULER_POLICY_H_
#define EDDY_RUNTIME_SCHEDULER_POLICY_H_

#include <cstdint>

namespace eddy::scheduler {

// What a worker remembers of its turns.
struct Turns {
  uint32_t since_injection = 0;  // tasks since it came first
  uint32_t next_streak = 0;      // turns in a row that the slot served
};

struct Policy {
  uint32_t injection_interval = 61;  // prime, so it does not beat with batches
  uint32_t next_limit = 3;           // a ping-pong pair may not starve the rest

  // The first task that `next`, the slot, `local` or `injection` gives, in the
  // order of this turn; null if none does.
  template <class Next, class Local, class Injection>
  constexpr auto pick(Turns& turns, Next next, Local local,
                      Injection injection) const -> decltype(next()) {
    if (++turns.since_injection >= injection_interval) [[unlikely]] {
      turns.since_injection = 0;
      if (auto task = injection()) return other(turns, task);
      if (auto task = local()) return other(turns, task);
      return from_slot(turns, next);
    }
    if (turns.next_streak < next_limit) [[likely]] {
      if (auto task = from_slot(turns, next)) return task;
      if (auto task = local()) return other(turns, task);
      return other(turns, injection());
    }
    turns.next_streak = 0;
    if (auto task = local()) return task;
    if (auto task = injection()) return task;
    return from_slot(turns, next);  // nobody else waits
  }

 private:
  template <class Next>
  static constexpr auto from_slot(Turns& turns, Next next) {
    auto task = next();
    if (task) ++turns.next_streak;
    return task;
  }
  template <class Task>
  static constexpr Task other(Turns& turns, Task task) {
    if (task) turns.next_streak = 0;
    return task;
  }
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_POLICY_H_
