// Barrier: where a number of tasks wait for each other, again and again.
//
//   eddy::sync::Barrier round(kTasks);
//
//   eddy::Task<> play(int me) {          // kTasks of these
//     for (;;) {
//       move(me);
//       if (co_await round.wait()) add_up();  // in one of them, the leader
//       co_await round.wait();
//     }
//   }
//
// The example is run: tests/sync/examples_test.cc.
//
// The leader is the task that comes last.
//
// Threads: any; a Wait belongs to one task. What was written before a wait(),
//          all see after theirs.
// Cancel:  a Wait that is dropped has not come: the others wait on for one
//          more. Once all had come, dropping one changes nothing.
// Errors:  a Barrier of 0 is misuse.
// Owner:   outlives its Waits and every call in progress. A Wait may be moved
//          until its first poll.
#ifndef EDDY_SYNC_BARRIER_H_
#define EDDY_SYNC_BARRIER_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "sync/version.h"

namespace eddy::sync {

class Barrier {
 public:
  class Wait;

  explicit Barrier(uint64_t tasks) : tasks_(tasks) {
    EDDY_CHECK(tasks > 0, "a Barrier for no tasks at all");
  }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // A Future of bool: true for the leader.
  Wait wait();
  // On a thread that may block.
  bool blocking_wait();

 private:
  // True for the last, and then all others are woken.
  bool arrive(Wait& wait);
  void withdraw(uint64_t round);

  const uint64_t tasks_;
  base::Mutex mutex_;
  uint64_t arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  Version rounds_;  // steps under the mutex: arrived_ is that of its number
};

class [[nodiscard]] Barrier::Wait {
 public:
  using Output = bool;

  explicit Wait(Barrier& barrier) : barrier_(barrier), wait_(barrier.rounds_) {}
  Wait(Wait&&) = default;
  ~Wait() {
    if (state_ == State::kArrived) barrier_.withdraw(round_);
  }

  Poll<bool> poll(Context& cx);

 private:
  friend class Barrier;
  enum class State : uint8_t { kNew, kArrived, kDone };

  Barrier& barrier_;
  Version::Wait wait_;
  uint64_t round_ = 0;
  State state_ = State::kNew;
};

inline Barrier::Wait Barrier::wait() { return Wait(*this); }

}  // namespace eddy::sync

#endif  // EDDY_SYNC_BARRIER_H_
