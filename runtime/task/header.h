// Header: a spawned task as the runtime sees it, whatever its future is. Wakers
// and run queues point at it.
//
// Who may touch what:
//   state        anybody, through its edges
//   future       the holder of RUNNING
//   outcome      the holder of RUNNING, until COMPLETE; then the JoinHandle
//   join_waker   whom JOIN_WAKER names
//   live_*,      the scheduler, under the lock of its list of live tasks
//   listing
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
  // Takes a new task into the list of live ones; false if the scheduler is
  // closed.
  virtual bool admit(Header& task) noexcept = 0;
  // A task is about to complete: out of the list. False if it was not in it.
  virtual bool dismiss(Header& task) noexcept = 0;
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
  // Cancels a task that the scheduler took off its list at shutdown: if it is
  // idle, here and now. Else whoever holds its queue entry must run() it.
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
  bool poll_join(const Waker& waker);
  // The JoinHandle is dropped, with its reference.
  void detach() noexcept;
  // A JoinResult<T>, once the task is complete.
  virtual void* outcome() noexcept = 0;

  // Starts a task: into the list of live ones and the run queue, or cancelled
  // at once if the scheduler is closed.
  void launch() noexcept;

  // The scheduler's place in its list of live tasks. A task that was taken out
  // of the list at shutdown still counts as alive until it is dismissed.
  enum class Listing : uint8_t { kNever, kListed, kTaken, kDismissed };
  Header* live_next = nullptr;
  Header* live_prev = nullptr;
  Listing listing = Listing::kNever;

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

 private:
  void finish() noexcept;

  State state_;
  Scheduler* const scheduler_;
  // Owned as JOIN_WAKER says. Atomic, since complete() reads it on approval.
  std::atomic<Wakeable*> join_waker_{nullptr};
  const TaskId id_;
};

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_HEADER_H_
