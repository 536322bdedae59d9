// Worker: one core of the multi-thread scheduler: a local queue, the next-task
// slot, and the loop that runs tasks. A thread holds it while it is a worker.
//
// Where tasks go:
//   - what the running task wakes or spawns goes to the next-task slot, since
//     its data is warm; the task that was there goes to the local queue;
//   - a task that yields goes to the end of the local queue, and so does one
//     that waited for the end of another, unless it is alone: the tasks it will
//     wait for next had better run first;
//   - what the local queue has no room for goes to the injection queue.
// Where they come from: policy.h, and then from other workers' queues.
//
// A poll may leave the core to another thread (block_in_place): then all of it
// belongs to that one, from leave() on, and who left it returns from run()
// without touching it.
//
// Threads: all methods by the thread that holds the core, but queue(), the
//          deque of forks(), running(), look(), unpark() and the counters.
// Owner:   MultiThread.
#ifndef EDDY_RUNTIME_SCHEDULER_WORKER_H_
#define EDDY_RUNTIME_SCHEDULER_WORKER_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/base/random.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/scheduler/help.h"
#include "runtime/scheduler/idle.h"
#include "runtime/scheduler/injection_queue.h"
#include "runtime/scheduler/local_queue.h"
#include "runtime/scheduler/metrics.h"
#include "runtime/scheduler/parker.h"
#include "runtime/scheduler/policy.h"
#include "runtime/scheduler/role.h"
#include "runtime/scheduler/seat.h"
#include "runtime/scheduler/standby.h"
#include "runtime/scheduler/wake_batch.h"
#include "runtime/scheduler/watchdog.h"
#include "runtime/task/id.h"

namespace eddy::scheduler {

class MultiThread;

class alignas(base::kCacheLine) Worker final : private ForkLane::Host {
 public:
  Worker(MultiThread& scheduler, uint32_t index, ForkLane& forks,
         uint64_t seed);

  // Runs tasks until the scheduler stops, and holds a reactor's role when it
  // has come to it; then drops what is left in its queue. False: a poll has
  // left the core, and has ended.
  bool run();
  // Before run(): it begins with that role.
  void give_role(Seat& seat) { seat_ = &seat; }

  // A task that this thread woke or spawned.
  void schedule(task::Header& task, const context::Current& here);
  // A task whose poll asked for another.
  void reschedule(task::Header& task);

  // Whether a poll is in progress, so that leave() makes sense.
  bool is_at_a_poll() const {
    return running() != TaskId() || at_forks_.load(std::memory_order_relaxed);
  }
  // The poll leaves the core, and keeps its lane; `next` is for who comes.
  void leave(ForkLane& next);
  // A poll comes, with its lane. Gives the one that the core had.
  ForkLane& take(ForkLane& lane, const context::Current& here);

  uint32_t index() const { return index_; }
  LocalQueue& queue() { return queue_; }
  const LocalQueue& queue() const { return queue_; }
  ForkLane& forks() const { return *forks_.load(std::memory_order_acquire); }
  void unpark() { parker_.unpark(); }
  // The task that is being polled; no task otherwise.
  TaskId running() const {
    return TaskId(running_.load(std::memory_order_relaxed));
  }
  // For the watchdog.
  CoreLook look() const noexcept;
  void set_thread(pid_t thread) {
    thread_.store(thread, std::memory_order_relaxed);
  }
  void add_metrics(Metrics& metrics) const;

 private:
  // What Policy::pick() asks for.
  friend struct Policy;
  bool has_next() const { return next_ != nullptr; }
  task::Header* take_next() { return std::exchange(next_, nullptr); }
  task::Header* take_local() { return queue_.pop(); }
  task::Header* take_injected();
  uint32_t local_size() const { return queue_.size(); }
  bool seems_injected() const { return injected_.seems_filled(); }
  void demote_next() { push(*take_next()); }
  task::Header* search();
  bool run_stolen_forks();
  // A turn of a task; false: the core is left.
  [[gnu::always_inline]] bool poll(task::Header& task, context::Current& here,
                                   uintptr_t stack_limit);
  bool run_task(task::Header& task, context::Current& here);
  void end(task::Header& task, context::Current& here);
  void requeue(task::Header& task);
  void push(task::Header& task) {
    if (!queue_.try_push(&task)) [[unlikely]]
      push_to_full(task);
  }
  void push_to_full(task::Header& task);
  // With what was just pushed beside another.
  void ask_for_help() {
    if (idle_.may_notify()) [[unlikely]]
      wake_helper();
  }
  void wake_helper();
  void stop_searching();
  void park();
  void drop_all();

  // ForkLane::Host:
  void wake_thief() override;
  bool has_waiting_tasks() const override;

  // What it knows of the reactors' roles when it holds none.
  struct Watched {
    explicit Watched(Seat& seat) : seat(seat) {}

    Seat& seat;
    RoleWord seen;  // RUN, at the end of this worker's last task
    std::chrono::steady_clock::time_point since{};
    Standby standby;
  };

  // The reactors' roles: worker_role.cc.
  bool has_own_work() const { return next_ != nullptr || queue_.size() > 0; }
  bool has_more_than_one() const {
    return next_ != nullptr || queue_.size() > 1;
  }
  // Until the role or the core is lost, or, then false, the driver stops.
  bool hold_role();
  void resume_role();
  void harvest();
  void turn(Driver::Wait wait, std::chrono::nanoseconds brief = Driver::kBrief);
  bool must_watch();
  void watch_others();
  void accept_harvest();
  bool run_harvest();
  bool needs_help(std::chrono::steady_clock::time_point now);
  bool is_any_task_stuck();
  task::Header* take_own();
  void rescue();
  void look_at_the_stuck();
  void stand_in();
  bool is_stuck(const Worker& other) const;
  bool holds_any_role(const Worker& other) const;
  bool must_stay_awake() const;
  void note_progress(const Worker& other);
  bool steal_from(Worker& other);
  bool steal_backlog();
  void rescue_long_task();
  bool may_take_long() const;
  bool may_take_over() const;
  void watch_roles();
  bool watch(Watched& role);
  bool try_take_over(Seat& seat, RoleWord word);
  void sleep();
  std::optional<uint32_t> look_at_roles();
  bool leave_sleepers();
  void search_instead();
  void tell_heir(std::optional<uint32_t> heir);
  void tell_holders();
  bool is_polling_due() const;
  void run_long_task(task::Header& task, context::Current& here);

  MultiThread& scheduler_;
  Idle& idle_;
  const uint32_t index_;
  task::Header* next_ = nullptr;
  Turns turns_;
  bool searching_ = false;
  std::atomic<bool> at_forks_{false};  // stolen ones
  std::atomic<uint64_t> running_{0};   // a TaskId
  Seat* seat_ = nullptr;               // of the role that it holds
  bool took_long_ = false;  // the task just taken is one that may run long
  InjectionQueue::Consumer injected_, long_ones_;
  const Policy policy_;
  base::Random random_;
  Counter polls_, schedules_, reschedules_, steals_, fork_steals_,
      failed_searches_, overflows_, parks_, runs_, take_overs_, departures_;
  std::atomic<pid_t> thread_{0};  // that holds the core, for the watchdog

  WakeBatch harvest_;  // of the turn in progress
  Help help_;          // for what waits in its queue
  std::chrono::steady_clock::time_point next_look_at_stuck_{};
  // Since when all others are stuck beside work that only they may do; zero:
  // they are not, or there is none.
  std::chrono::steady_clock::time_point all_stuck_since_{};
  std::chrono::nanoseconds look_pause_ = Driver::kBrief;
  uint32_t quiet_sleeps_ = 0;  // in a row, that found a sleeper
  std::vector<Watched> watched_;
  bool has_more_roles_;  // than one: known to the loop without a division
  RoleWord run_word_;  // RUN, of the last run_harvest()

  LocalQueue queue_;
  std::atomic<ForkLane*> forks_;
  Parker parker_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_WORKER_H_
