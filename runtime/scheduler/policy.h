// Where a worker looks for its next task. Pure: no atomics, threads or clock.
//
// The order is what fairness rests on (see docs/fairness.md):
//   - the next-task slot comes first, but after next_limit turns in a row its
//     task goes to the end of the local queue;
//   - the injection queue comes first every injection_interval tasks, and once
//     in each round of the local queue, or of next_limit turns if that is
//     longer, if there is something in it; the slot's task goes to the end of
//     the local queue then, too, since nobody can steal it from the slot while
//     the other one runs, for ever perhaps.
#ifndef EDDY_RUNTIME_SCHEDULER_POLICY_H_
#define EDDY_RUNTIME_SCHEDULER_POLICY_H_

#include <cstdint>

namespace eddy::scheduler {

// What a worker remembers of its turns: one count for each turn, and the rest at
// each look at the injection queue.
struct Turns {
  uint32_t until_look = 0;       // turns before it
  uint32_t between_looks = 0;    // what until_look was after the last one
  uint32_t since_injection = 0;  // turns since it came first, at the last look
  uint32_t next_streak = 0;      // turns in a row that the slot served
};

struct Policy {
  uint32_t injection_interval = 61;  // prime, so it does not beat with batches
  uint32_t next_limit = 3;           // a ping-pong pair may not starve the rest

  // The next task of `core`; null if there is none. A core has
  //   has_next()          whether there is a task in the slot
  //   take_next()         that task
  //   take_local()        the oldest of the local queue, or null
  //   take_injected()     one of the injection queue, or null
  //   local_size()        how many take_local() could give
  //   seems_injected()    whether take_injected() is worth a try: cheap, and
  //                       wrong at times
  //   demote_next()       puts that task at the end of the local queue
  template <class Core>
  [[gnu::always_inline]] constexpr auto pick(Turns& turns, Core& core) const
      -> decltype(core.take_next()) {
    if (turns.until_look-- == 0 && injection_is_due(turns, core)) [[unlikely]] {
      // The slot's row goes on afterwards, or a short local queue would wait
      // for ever beside a slot and an injection queue that are never empty.
      auto task = core.take_injected();
      if (!task && (task = core.take_local())) turns.next_streak = 0;
      if (task) {
        if (core.has_next()) core.demote_next();
        return task;
      }
    }
    if (core.has_next() && may_serve_next(turns, core)) {
      ++turns.next_streak;
      return core.take_next();
    }
    if (auto task = core.take_local()) return not_next(turns, task);
    return not_next(turns, core.take_injected());
  }

 private:
  // The look at the end of a round, or of the interval. Another round begins.
  template <class Core>
  constexpr bool injection_is_due(Turns& turns, const Core& core) const {
    turns.since_injection += turns.between_looks + 1;
    const bool due =
        turns.since_injection >= injection_interval || core.seems_injected();
    if (due) turns.since_injection = 0;
    const uint32_t served = turns.since_injection + 1;  // with the next look
    const uint32_t left =
        injection_interval > served ? injection_interval - served : 0;
    const uint32_t queued = core.local_size();
    const uint32_t round = queued > next_limit ? queued : next_limit;
    turns.between_looks = turns.until_look = round < left ? round : left;
    return due;
  }
  // False: its task is at the end of the local queue.
  template <class Core>
  constexpr bool may_serve_next(Turns& turns, Core& core) const {
    if (turns.next_streak < next_limit) [[likely]] {
      return true;
    }
    turns.next_streak = 0;
    if (core.local_size() == 0) return true;
    core.demote_next();
    return false;
  }
  template <class Task>
  static constexpr Task not_next(Turns& turns, Task task) {
    turns.next_streak = 0;
    return task;
  }
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_POLICY_H_
