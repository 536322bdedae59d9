// CurrentThread: the scheduler with one core, which whoever calls block_on()
// holds: that thread runs all tasks and, when there are none, waits in the
// reactor itself. There is no other thread.
//
// If several threads are in block_on() at once, one holds the core and the
// others wait for their futures, or for the core when it is let go. Nothing
// runs while nobody is in block_on().
//
//   core       by                      to         then
//   ---------  ----------------------  ---------  --------------------------
//   free       block_on() of thread t  held by t  t runs tasks
//   held by t  t's future is ready     free       one that waits is woken
//
// Thread-bound tasks (spawn_local) tie the core to their thread as long as they
// live: another thread that would have to run them is misuse.
//
// Threads: any; the core's fields belong to its holder.
// Owner:   the runtime's core.
#ifndef EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_
#define EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/base/ring_buffer.h"
#include "runtime/scheduler/flavor.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/scheduler/injection_queue.h"

namespace eddy::scheduler {

class CurrentThread final : public Flavor {
 public:
  CurrentThread(Config config, Driver& driver);
  ~CurrentThread() override;

  absl::Status start(const context::Current& here,
                     std::shared_ptr<const void> keep) override;
  void block_on(MainFuture& future) override;
  void stop_workers(Deadline deadline) override;
  std::vector<StuckTask> stop_driver(Deadline deadline) override;
  bool is_quiescent() const override;
  bool has_pending_work() const override;

  void schedule(task::Header& task) noexcept override;
  void reschedule(task::Header& task) noexcept override;

  // Whether the calling thread runs this scheduler.
  bool holds_core() const;
  // A thread-bound task begins and ends; by the holder of the core.
  void begin_local();
  void end_local();

 private:
  struct Core final : ForkLane::Host {
    explicit Core(InjectionQueue& injection)
        : injected(injection), forks(*this) {}

    // Nobody steals.
    void wake_thief() override {}
    // Always: the driver may have some.
    bool has_waiting_tasks() const override { return true; }

    base::RingBuffer<task::Header*> queue;
    InjectionQueue::Consumer injected;
    ForkLane forks;
    uint32_t tick = 0;
    std::atomic<uint64_t> running{0};  // the TaskId of the poll in progress
    Counter polls, schedules, reschedules, parks;
  };
  class Hold;

  bool try_take_core();
  void release_core();
  bool wait_for_core(Deadline deadline);

  void drive(MainFuture& future, BlockOnWaker& main);
  bool poll_aside(MainFuture& future, BlockOnWaker& main);
  void run_some();
  task::Header* next_task();
  void run_task(task::Header& task);
  void wait_for_events(BlockOnWaker& main);
  void drop_all();
  void drop_injected();
  void drop_late();
  void release_if_over();
  void add_metrics(Metrics& metrics) const override;

  context::Current here_;
  InjectionQueue injection_;
  std::unique_ptr<Core> core_;
  std::atomic<bool> waiting_{false};  // the holder is about to wait for events
  std::atomic<uint32_t> block_ons_running_{0};  // not holding the core

  mutable base::Mutex mutex_;
  base::CondVar core_freed_;
  bool core_taken_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread::id holder_ ABSL_GUARDED_BY(mutex_);
  uint64_t local_tasks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread::id local_owner_ ABSL_GUARDED_BY(mutex_);
  std::vector<BlockOnWaker*> waiting_for_core_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_
