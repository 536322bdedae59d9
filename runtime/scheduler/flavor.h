// Flavor: what the multi-thread and the current-thread scheduler have in
// common: the list of live tasks, the hooks, the policy for exceptions that
// nobody joins, and the way to an end.
//
// The end, in this order: no task is admitted any more; every live task is
// cancelled; whoever runs or queues one drops its future; then threads stop.
//
// Threads: any, unless a method says otherwise.
// Owner:   the runtime's core; outlives the threads that run it.
#ifndef EDDY_RUNTIME_SCHEDULER_FLAVOR_H_
#define EDDY_RUNTIME_SCHEDULER_FLAVOR_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/base/mutex.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/absences.h"
#include "runtime/scheduler/block_on_waker.h"
#include "runtime/scheduler/hooks.h"
#include "runtime/scheduler/lifeline.h"
#include "runtime/scheduler/live_tasks.h"
#include "runtime/scheduler/metrics.h"
#include "runtime/scheduler/policy.h"
#include "runtime/scheduler/watchdog.h"
#include "runtime/task/context.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

class Driver;

using Deadline = std::chrono::steady_clock::time_point;

struct Config {
  uint32_t workers = 1;
  Policy policy;
  uint32_t event_interval = 61;  // tasks between two looks at the reactor
  bool reactor_assist = true;    // false for the current-thread scheduler
  uint32_t reactors = 1;
  std::chrono::nanoseconds role_tick = std::chrono::milliseconds(1);
  std::size_t stack_size = 0;  // bytes; 0: the system's default
  std::function<std::string(std::size_t)> thread_name;
  Hooks hooks;
  UnhandledException unhandled = UnhandledException::kIgnore;
  uint64_t seed = 0;
  // How long a poll may last; zero: nobody looks.
  std::chrono::nanoseconds blocking_threshold{0};

  // Threads that run tasks; each has a core, a list of live tasks and a shard
  // of the timers, numbered from 0. The next number is for all other threads.
  uint32_t cores() const { return workers + (reactor_assist ? reactors : 0); }
};

// The future of block_on(), without its type.
class MainFuture {
 public:
  // True when it is ready: its value, or exception, is then stored.
  virtual bool poll(Context& cx) = 0;

 protected:
  ~MainFuture() = default;
};

// A task or thread that did not end in time.
struct StuckTask {
  TaskId id;
  std::string name = {};
  // For how long it has been in a block_in_place(), if it is.
  std::optional<std::chrono::nanoseconds> in_place = {};
};

class Flavor : public task::Scheduler, private Watchdog::Cores {
 public:
  virtual ~Flavor();

  // `here`: the context of the threads that run this; `keep`: what they keep
  // alive. Called once, before all else.
  virtual absl::Status start(const context::Current& here,
                             std::shared_ptr<const void> keep) = 0;

  // Polls `future` on this thread until it is ready. Throws what nobody joined,
  // if the policy is to shut down.
  virtual void block_on(MainFuture& future) = 0;

  // block_in_place() begins and ends, on a thread that holds a core. The first
  // gives the core to another thread, unless none can be had. The second takes
  // one back, if this thread has none; where cores may run short, only if one
  // is free. The context says which.
  virtual void leave_core() = 0;
  virtual void retake_core() noexcept = 0;

  // Polls that last too long are reported, if the configuration says so, from
  // before start() until after stop_driver().
  absl::Status start_watching(std::shared_ptr<const void> keep);
  void stop_watching(Deadline deadline);

  // Both after close(), once, and in this order; between them the blocking pool
  // ends, whose jobs may still need the driver. The first ends the threads that
  // run tasks, the second what is left, and names the tasks that did not end.
  // Neither waits for the thread that calls it.
  virtual void stop_workers(Deadline deadline) = 0;
  virtual std::vector<StuckTask> stop_driver(Deadline deadline) = 0;

  // Refuses new tasks and cancels all live ones. May be called again.
  void close();

  // True when no task can run before something outside happens.
  virtual bool is_quiescent() const = 0;
  // Tasks are queued that the thread which asks has to run, or to publish.
  virtual bool has_pending_work() const = 0;

  Metrics metrics() const;

  // task::Scheduler:
  bool admit(task::Header& task) noexcept final;
  bool enlist(task::Header& task) noexcept final;
  bool dismiss(task::Header& task) noexcept final;
  void begin_part() noexcept final;
  void end_part(task::Header& part) noexcept final;
  void unhandled(std::exception_ptr error) noexcept final;

 protected:
  Flavor(Config config, Driver& driver);

  const Config& config() const { return config_; }
  Driver& driver() const { return driver_; }
  const LiveTasks& live() const { return live_; }
  // Null if nobody looks how long polls last.
  Watchdog* watchdog() const { return watchdog_.get(); }
  Lifeline& lifeline() { return lifeline_; }
  const Lifeline& lifeline() const { return lifeline_; }
  Absences& absences() { return absences_; }
  const Absences& absences() const { return absences_; }

  void call(const std::function<void()>& hook) noexcept {
    call_hook(hook, [this](std::exception_ptr e) { unhandled(std::move(e)); });
  }

  // Before a task that was taken from a queue is polled: it is dropped instead
  // if the end has come.
  void begin_turn(task::Header& task) noexcept {
    if (live_.is_closed()) [[unlikely]]
      task.abort_queued();
  }
  void run(task::Header& task) noexcept {
    begin_turn(task);
    task.run();
  }

  // Those of the tasks that close() cancelled which have not ended, `running`,
  // the tasks whose poll has not ended, and those that are absent.
  std::vector<StuckTask> stuck_tasks(const std::vector<TaskId>& running);

  // block_on() of this thread: registers its waker, so that an exception that
  // shuts the runtime down ends it.
  class BlockOnScope {
   public:
    BlockOnScope(Flavor& flavor, BlockOnWaker& waker);
    BlockOnScope(const BlockOnScope&) = delete;
    BlockOnScope& operator=(const BlockOnScope&) = delete;
    ~BlockOnScope();

   private:
    Flavor& flavor_;
    BlockOnWaker& waker_;
  };
  void rethrow_fatal();
  bool is_block_on_woken() const;

  // As admit() and dismiss(), by a worker that knows itself, if nobody is told
  // of spawns and ends.
  bool announces_spawns() const {
    return static_cast<bool>(config_.hooks.on_task_spawn);
  }
  bool admit_silently(uint32_t live_list) noexcept {
    return live_.admit(live_list);
  }
  bool announces_ends() const {
    return static_cast<bool>(config_.hooks.on_task_terminate);
  }
  bool dismiss_silently(uint32_t live_list, task::Header& task) noexcept {
    return live_.dismiss(task, live_list);
  }

  virtual void add_metrics(Metrics& metrics) const = 0;

 private:
  // This thread's list of live tasks.
  uint32_t live_list(const context::Current& here) const;
  void announce(const std::function<void(const TaskInfo&)>& hook,
                task::Header& task) noexcept;

  const Config config_;
  Driver& driver_;
  LiveTasks live_;
  Lifeline lifeline_;
  Absences absences_;
  std::unique_ptr<Watchdog> watchdog_;
  std::atomic<bool> failed_{false};  // fatal_ is set
  mutable base::Mutex mutex_;
  std::exception_ptr fatal_ ABSL_GUARDED_BY(mutex_);
  std::vector<BlockOnWaker*> block_ons_ ABSL_GUARDED_BY(mutex_);
  // With a reference each: cancelled, and not complete when we looked.
  std::vector<task::Header*> ending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_FLAVOR_H_
