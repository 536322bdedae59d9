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
//   held by t  block_in_place() of t   free       t blocks; if nobody waits, a
//                                                 stand-in is sent for
//   free       the stand-in            held by s  s runs tasks, until somebody
//                                                 wants the core
//   held by s  somebody wants it       free       t, or a shutdown, is woken
//   held by u  t comes back            free       likewise; u, in block_on(),
//                                                 waits
//   free       t has come back         held by t  t goes on with its poll
//
// So no two polls ever run at once; what a block_in_place() calls runs beside
// them.
//
// Thread-bound tasks (spawn_local) tie the core to their thread as long as they
// live: another thread that would have to run them is misuse.
//
// Threads: any; the core's fields belong to its holder.
// Owner:   the runtime's core.
#ifndef EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_
#define EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/base/ring_buffer.h"
#include "runtime/blocking/pool.h"
#include "runtime/scheduler/flavor.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/scheduler/injection_queue.h"
#include "runtime/scheduler/policy.h"

namespace eddy::scheduler {

class CurrentThread final : public Flavor, private blocking::Errand {
 public:
  CurrentThread(Config config, Driver& driver);
  ~CurrentThread() override;

  absl::Status start(const context::Current& here,
                     std::shared_ptr<const void> keep) override;
  void block_on(MainFuture& future) override;
  void leave_core() override;
  void retake_core() noexcept override;
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
        : injected(injection), forks(this) {}

    // Nobody steals.
    void wake_thief() override {}
    // Always: the driver may have some.
    bool has_waiting_tasks() const override { return true; }

    base::RingBuffer<task::Header*> queue;
    InjectionQueue::Consumer injected;
    ForkLane forks;
    Turns turns;
    std::chrono::steady_clock::time_point looked_for_events{};
    std::atomic<bool> at_main{false};  // at a poll of a block_on()'s future
    std::atomic<uint64_t> running{0};  // the TaskId of the poll in progress
    Counter polls, main_polls, departures, schedules, reschedules, parks;
    std::atomic<pid_t> thread{0};  // that holds the core, for the watchdog

    bool is_at_a_poll() const {
      return running.load(std::memory_order_relaxed) != 0 ||
             at_main.load(std::memory_order_relaxed);
    }
  };
  class Hold;
  struct AtEnd;

  bool try_take_core();
  bool try_stand_in();
  void take_core() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void release_core();
  void begin_watch();
  void end_watch();
  bool wait_for_core(Deadline deadline);
  void ask_for_core();
  void run_errand() noexcept override;
  bool is_stand_in_over() const;

  // False: whoever has come back from a block_in_place() wants the core.
  bool drive(MainFuture& future, BlockOnWaker& main);
  bool poll_main(MainFuture& future, const Waker& waker);
  bool poll_aside(MainFuture& future, BlockOnWaker& main);
  void run_some();
  void find_events(BlockOnWaker* main);
  task::Header* next_task();
  task::Header* take_injected();
  void run_task(task::Header& task);
  void wait_for_events(BlockOnWaker* main);
  void drop_all();
  bool drop_until_over(Deadline deadline);
  void drop_injected();
  void drop_late();
  void release_if_over();
  void add_metrics(Metrics& metrics) const override;
  CoreLook look_at_core(std::size_t core) const noexcept override;

  context::Current here_;
  InjectionQueue injection_;
  std::unique_ptr<Core> core_;
  std::atomic<bool> waiting_{false};  // the holder is about to wait for events
  std::atomic<uint32_t> block_ons_running_{0};  // not holding the core

  mutable base::Mutex mutex_;
  base::CondVar core_freed_;
  bool core_taken_ ABSL_GUARDED_BY(mutex_) = false;
  // Threads in a block_in_place(), and whether a stand-in is on its way.
  uint32_t absent_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stand_in_sent_ ABSL_GUARDED_BY(mutex_) = false;
  // Threads that wait for the core: of those `absent_`, for whom others make
  // room; and of a shutdown, for whom a stand-in does. Written under mutex_.
  std::atomic<uint32_t> returning_{0}, stopping_{0};
  std::atomic<uint64_t> migrations_{0};
  std::thread::id holder_ ABSL_GUARDED_BY(mutex_);
  uint64_t local_tasks_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread::id local_owner_ ABSL_GUARDED_BY(mutex_);
  std::vector<BlockOnWaker*> waiting_for_core_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_CURRENT_THREAD_H_
