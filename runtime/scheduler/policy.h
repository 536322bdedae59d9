// Where a worker looks for its next task. Pure: no atomics, threads or clock.
//
// The order is what fairness rests on (see docs/fairness.md):
//   - the next-task slot comes first, but after next_limit turns in a row its
//     task goes to the end of the local queue;
//   - the injection queue comes first every injection_interval tasks, and once
//     in each round of the local queue if there is something in it; the slot's
//     task goes to the end of the local queue then, too, since nobody can steal
//     it from the slot while the other one runs, for ever perhaps.
#ifndef EDDY_RUNTIME_SCHEDULER_POLICY_H_
#define EDDY_RUNTIME_SCHEDULER_POLICY_H_

#include <cstdint>

namespace eddy::scheduler {

// What a worker remembers of its turns.
struct Turns {
  uint32_t since_injection = 0;  // tasks since it came first
  uint32_t left_of_round = 0;    // tasks until each local one had its turn
  uint32_t next_streak = 0;      // turns in a row that the slot served
};

struct Policy {
  uint32_t injection_interval = 61;  // prime, so it does not beat with batches
  uint32_t next_limit = 3;           // a ping-pong pair may not starve the rest

  // The next task of `core`; null if there is none. A core has
  //   take_next()         the slot's task, or null
  //   take_local()        the oldest of the local queue, or null
  //   take_injected()     one of the injection queue, or null
  //   local_size()        how many take_local() could give
  //   seems_injected()    whether take_injected() is worth a try: cheap, and
  //                       wrong at times
  //   demote_next()       puts the slot's task at the end of the local queue
  template <class Core>
  [[gnu::always_inline]] constexpr auto pick(Turns& turns, Core& core) const
      -> decltype(core.take_next()) {
    if (injection_is_due(turns, core)) [[unlikely]] {
      turns.since_injection = 0;
      auto task = core.take_injected();
      if (!task) task = core.take_local();
      if (task) {
        core.demote_next();
        return not_next(turns, task);
      }
    }
    if (turns.next_streak >= next_limit) [[unlikely]] {
      turns.next_streak = 0;
      if (core.local_size() > 0) core.demote_next();
    }
    if (auto task = core.take_next()) {
      ++turns.next_streak;
      return task;
    }
    if (auto task = core.take_local()) return not_next(turns, task);
    return not_next(turns, core.take_injected());
  }

 private:
  template <class Core>
  constexpr bool injection_is_due(Turns& turns, const Core& core) const {
    if (++turns.since_injection >= injection_interval) return true;
    if (turns.left_of_round > 0) {
      --turns.left_of_round;
      return false;
    }
    turns.left_of_round = core.local_size();
    return core.seems_injected();
  }
  template <class Task>
  static constexpr Task not_next(Turns& turns, Task task) {
    turns.next_streak = 0;
    return task;
  }
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_POLICY_H_
