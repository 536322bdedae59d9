// Absences: the polls that have left their core to another thread, by
// block_in_place(), and go on without it. A shutdown waits for them, and names
// those that don't end.
//
// Threads: any; an absence begins and ends on its own thread. A thread may have
//          several, one inside the other: a block_on() in the call polls tasks
//          of a current-thread runtime, of which another may block.
// Owner:   the scheduler.
#ifndef EDDY_RUNTIME_SCHEDULER_ABSENCES_H_
#define EDDY_RUNTIME_SCHEDULER_ABSENCES_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/context/current.h"
#include "runtime/task/id.h"

namespace eddy::scheduler {

class ForkLane;

class Absences {
 public:
  using Clock = std::chrono::steady_clock;

  // What is left behind by a poll that waits for its block_in_place().
  struct Absence {
    const context::Current* thread;  // by which it is found
    TaskId task;                     // none: part of a block_on()
    std::string name;
    Clock::time_point since;
    ForkLane* lane;  // of the poll; null if the core has kept it
  };

  Absences() = default;
  Absences(const Absences&) = delete;
  Absences& operator=(const Absences&) = delete;

  // Of this thread; end() gives the lane back.
  void begin(ForkLane* lane);
  ForkLane* end() noexcept;
  bool is_absent() const;  // this thread

  // A hint, but exact for who ends one.
  std::size_t count() const { return count_.load(std::memory_order_acquire); }
  // False at the deadline. Not for the thread that asks.
  bool wait_for_all(Clock::time_point deadline);
  // But for the thread that asks.
  std::vector<Absence> list() const;

 private:
  mutable base::Mutex mutex_;
  base::CondVar ended_;
  std::vector<Absence> absences_ ABSL_GUARDED_BY(mutex_);
  std::atomic<std::size_t> count_{0};  // written under mutex_
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_ABSENCES_H_
