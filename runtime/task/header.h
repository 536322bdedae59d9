// Header: a spawned task as the runtime sees it, whatever its future is. Wakers
// and run queues point at it.
//
// Who may touch what:
//   state        anybody, through its edges
//   future       the holder of RUNNING
//   outcome      the holder of RUNNING, until COMPLETE; then the JoinHandle
//   join_waker   whom JOIN_WAKER names
//   live_list    the holder of RUNNING
//   live_*       who may change that list (scheduler/live_tasks.h)
//   the rest     written before the task is shared, then constant
//
// Threads: as above. Owner: its references (see state.h); frees itself.
#ifndef EDDY_RUNTIME_TASK_HEADER_H_
#define EDDY_RUNTIME_TASK_HEADER_H_

#include <atomic>
#include <exception>
#include <string_view>

#include "runtime/task/context.h"
#include "runtime/task/id.h"
#include "runtime/task/state.h"
#include "runtime/task/waker.h"

namespace eddy::task {

class Header;

// What a task needs of the scheduler that runs it. The scheduler outlives the
// task's completion, not its memory.
class Scheduler {
 public:
  // A task was woken: queues it, with the reference that belongs to the entry.
  virtual void schedule(Header& task) noexcept = 0;
  // A task that ran asks for another turn: queues it behind the others.
  virtual void reschedule(Header& task) noexcept = 0;
  // A new task, which will be scheduled; false if the scheduler is closed.
  virtual bool admit(Header& task) noexcept = 0;
  // admit() and schedule().
  virtual bool spawn(Header& task) noexcept {
    if (!admit(task)) return false;
    schedule(task);
    return true;
  }
  // A task is about to wait, and is in no list of live tasks: from now on only
  // its wakers reach it. False if the scheduler is closed: the task must end
  // instead.
  virtual bool enlist(Header& task) noexcept = 0;
  // An admitted task is about to complete. True: it is in no list, so that the
  // list's reference is the caller's.
  virtual bool dismiss(Header& task) noexcept = 0;
  // A part of a task, with a Header of its own in no list, begins to be; it is
  // about to complete. Until then the scheduler is there for who wakes it.
  virtual void begin_part() noexcept {}
  virtual void end_part() noexcept {}
  // An exception left a task, or the destructor of its outcome, and nobody
  // joins it.
  virtual void unhandled(std::exception_ptr error) noexcept = 0;

 protected:
  ~Scheduler() = default;
};

class Header : public Wakeable {
 public:
  // Polls the future, or destroys it if the task was cancelled. The caller took
  // the queue entry; the task may be gone afterwards.
  void run(uint32_t budget = Context::kDefaultBudget) noexcept;

  // Cancels. If the task is idle, its future is destroyed by the next run().
  void abort() noexcept;
  // Cancels a task whose queue entry the caller holds: to run() it is to
  // destroy its future.
  void abort_queued() noexcept { (void)state_.cancel(); }
  // Cancels a task; if it is idle, its future is destroyed here and now. Else
  // whoever holds its queue entry must run() it.
  void abort_at_shutdown() noexcept;

  // Wakeable:
  void wake() noexcept final;
  void wake_and_release() noexcept final;
  void retain() noexcept final { state_.retain(); }
  void release() noexcept final {
    if (state_.release()) destroy();
  }

  TaskId id() const { return id_; }
  virtual std::string_view name() const noexcept { return {}; }
  bool is_complete() const { return state_.is_complete(); }
  Scheduler& scheduler() const { return *scheduler_; }

  // The JoinHandle's side.
  //
  // True if the task is complete; else `waker` will be woken when it is.
  bool poll_join(const Waker& waker) {
    return is_complete() || wait_to_join(waker);
  }
  // The JoinHandle is dropped, with its reference.
  void detach() noexcept;
  // A JoinResult<T>, once the task is complete.
  virtual void* outcome() noexcept = 0;

  // Starts a task: into the run queue, or cancelled at once if the scheduler is
  // closed.
  void launch() noexcept;
  // As launch(), for a task that a shutdown has to know by its name, also if it
  // never waits.
  void launch_listed() noexcept;

  // The scheduler's list of live tasks: which of its lists this task is in, or
  // was before a shutdown took it out, and its place there.
  static constexpr uint32_t kUnlisted = 0xffffffff, kRefused = 0xfffffffe,
                            kPart = 0xfffffffd;
  Header* live_next = nullptr;
  Header* live_prev = nullptr;
  uint32_t live_list = kUnlisted;
  bool live_taken = false;

 protected:
  explicit Header(Scheduler& scheduler)
      : scheduler_(&scheduler), id_(TaskId::next()) {}
  ~Header() = default;

  // True when the future is ready, or threw: it is destroyed then, and the
  // outcome is there.
  virtual bool poll_future(Context& cx) noexcept = 0;
  // Destroys the future; the outcome is "cancelled".
  virtual void cancel_future() noexcept = 0;
  // The exception of an outcome that nobody will read, if it is one.
  virtual std::exception_ptr destroy_outcome() noexcept = 0;
  // Destroys *this and frees its memory.
  virtual void destroy() noexcept = 0;

  // The ends of a poll that holds RUNNING: run() calls them, and whoever makes
  // a Header for a future that is being polled already. The future is pending:
  // forgets the task, or queues it.
  void suspend(bool wake_requested) noexcept;
  // The future is gone and the outcome is there.
  void finish() noexcept;

 private:
  bool wait_to_join(const Waker& waker);
  bool leave_scheduler() noexcept;
  void drop() noexcept;

  State state_;
  Scheduler* const scheduler_;
  // Owned as JOIN_WAKER says. Atomic, since complete() reads it on approval.
  std::atomic<Wakeable*> join_waker_{nullptr};
  const TaskId id_;
};

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_HEADER_H_
