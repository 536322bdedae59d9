// MultiThread: the work-stealing scheduler: N + 1 threads, of which one at a
// time holds the reactor's role, and polls for events. With R reactors it is
// N + R threads and R roles (seat.h).
//
// The holder assists: it runs what the events woke itself, and calls for help
// only where that takes long. Were another thread to run it, waking that thread
// would cost more than most tasks do. For that each thread has a Worker, and
// the role moves (role.h) when a task keeps its holder from polling.
//
// With assisting off, N threads are workers, and one for each reactor has its
// role for good and runs no task.
//
// Who queues what where:
//   a worker                       its own core (worker.h)
//   the holder, of its events      its own core; with assisting off a batch per
//                                  harvest, to the injection queue
//   the holder, of tasks that      the long queue, which it does not look at
//   ran long on it
//   everybody else                 the injection queue
//
// Cores and threads: each core starts with a thread of its own. A poll that
// blocks (block_in_place) leaves its core to a thread of the blocking pool:
//
//   a core is     by                    to         the thread then
//   ------------  --------------------  ---------  -------------------------
//   held by a     leave_core()          free       blocks; one of the pool is
//                                                  sent for the core
//   free          run_errand() of b     held by b  runs tasks
//   free          retake_core() of a    held by a  goes on with its poll
//   free          a, once its poll has  held by a  runs tasks
//                 ended
//   held by b     the end               ended      goes back to the pool
//
// There are as many on their way as there are free cores, or more: whoever
// comes and finds none goes back. A thread whose poll ended without a core
// visits the pool: it takes jobs, and cores of others.
//
// Threads: any.
// Owner:   the runtime's core, which its threads keep alive.
#ifndef EDDY_RUNTIME_SCHEDULER_MULTI_THREAD_H_
#define EDDY_RUNTIME_SCHEDULER_MULTI_THREAD_H_

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/cpu_load.h"
#include "runtime/base/mutex.h"
#include "runtime/base/thread.h"
#include "runtime/blocking/pool.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/flavor.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/scheduler/idle.h"
#include "runtime/scheduler/injection_queue.h"
#include "runtime/scheduler/long_tasks.h"
#include "runtime/scheduler/seat.h"
#include "runtime/scheduler/worker.h"

namespace eddy::scheduler {

class WakeBatch;

class MultiThread final : public Flavor, private blocking::Errand {
 public:
  MultiThread(Config config, Drivers& drivers);
  ~MultiThread() override;

  absl::Status start(const context::Current& here,
                     std::shared_ptr<const void> keep) override;
  void block_on(MainFuture& future) override;
  void leave_core() override;
  void retake_core() noexcept override;
  void stop_workers(Deadline deadline) override;
  std::vector<StuckTask> stop_driver(Deadline deadline) override;
  bool is_quiescent() const override;
  bool has_pending_work() const override;

  bool spawn(task::Header& task) noexcept override;
  void schedule(task::Header& task) noexcept override;
  void reschedule(task::Header& task) noexcept override;

  // For its workers.
  using Flavor::announces_ends;
  using Flavor::begin_turn;
  using Flavor::dismiss_silently;
  const Policy& policy() const { return config().policy; }
  Idle& idle() { return idle_; }
  InjectionQueue& injection() { return injection_; }
  const std::vector<std::unique_ptr<Worker>>& workers() const {
    return workers_;
  }
  bool is_stopping() const {
    return stopping_.load(std::memory_order_acquire);  // [stop]
  }
  bool is_stopping_driver() const {
    return stopping_driver_.load(std::memory_order_acquire);  // [stop]
  }
  bool assists() const { return config().reactor_assist; }
  std::deque<Seat>& seats() { return seats_; }
  bool is_any_role_armed() const;
  std::chrono::nanoseconds role_tick() const { return config().role_tick; }
  // Whether two of its threads may run at the same time.
  bool has_more_cpus() const { return has_more_cpus_; }
  const base::CpuLoad& cpu_load() const { return cpu_load_; }
  uint32_t event_interval() const { return config().event_interval; }
  InjectionQueue& long_queue() { return long_queue_; }
  LongTasks& long_tasks() { return long_tasks_; }
  // For whoever does not hold the role.
  void leave_to_workers(task::Header& task);
  void inject(std::span<task::Header* const> tasks);
  // The holders: their turn() in progress ends, or the next one.
  void wake_drivers();
  // It looks at the roles' words, and arms itself.
  void wake_standby();
  // Work was pushed: wakes a worker if none looks for it anyway.
  void notify_one() {
    if (std::optional<uint32_t> worker = idle_.notify_one()) [[unlikely]]
      unpark(*worker);
  }
  // A worker is about to sleep: forks are to be published from now on.
  void demand_forks();
  // Whether as many run tasks as may.
  bool is_manned() const;
  // By who changed the state of idle(): true if it may go without the fence,
  // and the look after that. See idle.h.
  bool may_owe_look();
  // By a holder that polls: whether somebody did, since the last pay_look().
  bool is_look_owed() const {
    return look_owed_.load(std::memory_order_seq_cst);  // [owed]
  }
  void pay_look();
  // Whether there is anything that a worker could take.
  bool has_work() const;
  void before_park();
  // Around each sleep of a thread that holds a core.
  void call_park_hook() {
    call(config().hooks.on_thread_park);
    if (Watchdog* dog = watchdog()) dog->begin_sleep();
  }
  void call_unpark_hook() {
    if (Watchdog* dog = watchdog()) dog->end_sleep();
    call(config().hooks.on_thread_unpark);
  }

 private:
  void run_worker(uint32_t index);
  void run_reactor(Seat& seat);
  void publish(Seat& seat, WakeBatch& batch);
  // Cores: multi_thread_cores.cc.
  bool run_cores(Worker* core);
  void run_errand() noexcept override;
  void sit(context::Current& here, Worker& core) const;
  Worker* take_free_core();
  void end_core();
  ForkLane& take_lane();
  void free_lane(ForkLane& lane);
  void schedule_from_outside(task::Header& task,
                             const context::Current& here) noexcept;
  void unpark(uint32_t worker);
  // The core that this thread holds; null if it holds none of ours.
  Worker* core_of(const context::Current& here) const {
    return here.services == here_.services ? static_cast<Worker*>(here.core)
                                           : nullptr;
  }
  absl::Status start_thread(const std::string& name, std::function<void()> body,
                            const std::shared_ptr<const void>& keep);
  // Until no more cores, or threads, than that run.
  void wait_for_cores(uint32_t at_most, Deadline deadline);
  void wait_for_threads(Deadline deadline);
  void drop_injected();
  void drop_late();
  void release_if_over();
  bool is_our_thread() const;
  std::size_t count_holders_at_tasks() const;
  void add_metrics(Metrics& metrics) const override;
  CoreLook look_at_core(std::size_t core) const noexcept override {
    return workers_[core]->look();
  }

  context::Current here_;  // what the threads' contexts start from
  InjectionQueue injection_;
  InjectionQueue long_queue_;
  LongTasks long_tasks_;
  Idle idle_;
  const bool has_more_cpus_;
  const base::CpuLoad cpu_load_;
  std::deque<Seat> seats_;
  std::deque<ForkLane> lanes_;  // grows under mutex_
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> stopping_driver_{false};
  std::atomic<bool> look_owed_{false};
  std::atomic<uint32_t> block_ons_running_{0};
  std::atomic<uint64_t> notifications_{0};
  std::atomic<uint64_t> dropped_{0};  // queue entries, by no worker

  base::Mutex mutex_;
  base::CondVar ended_;  // a core or a thread
  std::vector<base::Thread> threads_ ABSL_GUARDED_BY(mutex_);
  uint32_t running_ ABSL_GUARDED_BY(mutex_) = 0;  // of threads_
  // That have not ended; a reactor of its own counts as one.
  uint32_t cores_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Worker*> free_cores_ ABSL_GUARDED_BY(mutex_);
  uint32_t on_way_ ABSL_GUARDED_BY(mutex_) = 0;  // threads, to free cores
  std::vector<ForkLane*> free_lanes_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> migrations_{0};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_MULTI_THREAD_H_
