// What a scheduler counts. Snapshots: each figure is exact when nothing runs.
#ifndef EDDY_RUNTIME_SCHEDULER_METRICS_H_
#define EDDY_RUNTIME_SCHEDULER_METRICS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace eddy::scheduler {

struct Metrics {
  std::size_t workers = 0;
  std::size_t live_tasks = 0;
  std::size_t injection_queue_depth = 0;
  std::size_t local_queue_depth = 0;

  uint64_t polls = 0;        // of tasks
  uint64_t schedules = 0;    // tasks queued: by a spawn, or by a wake
  uint64_t reschedules = 0;  // tasks queued again by their own poll
  uint64_t steals = 0;       // batches taken from another worker
  uint64_t fork_steals = 0;  // forks taken from another worker
  uint64_t failed_searches = 0;
  uint64_t overflows = 0;  // batches moved to the injection queue
  uint64_t parks = 0;
  uint64_t notifications = 0;     // sleeping workers woken for work
  uint64_t assisted_batches = 0;  // runs of tasks by who polls for events
  uint64_t take_overs = 0;        // changes of who polls, since a task ran long
  uint64_t migrations = 0;        // cores that a block_in_place() has moved
  uint64_t blocked_polls = 0;     // longer than Builder::blocking_threshold()
};

// A counter that one thread writes and any may read: no locked operation.
class Counter {
 public:
  Counter() = default;
  void add(uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_METRICS_H_
