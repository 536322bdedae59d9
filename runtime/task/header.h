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
// It is kept small, since a server has as many as it has connections: the
// list's number shares a word with the id, and a task that a shutdown took out
// of its list points at itself. A task, its id and its place in a list take 56
// bytes; Cell<Task<>> fills one cache line (cell.h), of 80 bytes before.
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
  virtual void end_part(Header&) noexcept {}
  // An exception left a task, or the destructor of its outcome, and nobody
  // joins it.
  virtual void unhandled(std::exception_ptr error) noexcept = 0;

 protected:
  ~Scheduler() = default;
};

class Header : public Wakeable {
 public:
  // Polls the future, or destroys it if the task was cancelled. The caller took
  // the queue entry, and does what the answer says.
  enum class Turn : uint8_t {
    kOver,   // nothing: the task waits, and may be gone
    kAgain,  // puts it behind the others
    kEnded,  // finish()
  };
  [[nodiscard]] Turn turn(
      uint32_t budget = Context::kDefaultBudget,
      uintptr_t stack_limit = Context::default_stack_limit()) noexcept;
  // The same, and all is done.
  void run(uint32_t budget = Context::kDefaultBudget) noexcept {
    do_rest(turn(budget));
  }
  // The future is gone and the outcome is there.
  void finish() noexcept { finish_dismissed(leave_scheduler()); }
  // The same, of a task that is in no list of live tasks and was none's part,
  // by its scheduler, which has dismissed it.
  void finish_dismissed(bool has_lists_reference) noexcept;

  // Cancels. If the task is idle, its future is destroyed by the next run().
  void abort() noexcept;
  // Cancels a task whose queue entry the caller holds: to run() it is to
  // destroy its future.
  void abort_queued() noexcept { (void)state_.cancel(); }
  // Cancels a task; if it is idle, its future is destroyed here and now. Else
  // whoever holds its queue entry must run() it.
  void abort_now() noexcept;

  // Wakeable:
  void wake() noexcept final;
  void wake_and_release() noexcept final;
  void retain() noexcept final { state_.retain(); }
  void release() noexcept final {
    if (state_.release()) destroy();
  }

  TaskId id() const { return TaskId(uint64_t{id_high_} << 32 | id_low_); }
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
  void launch() noexcept {
    if (!scheduler_->spawn(*this)) [[unlikely]]
      refuse();
  }
  // As launch(), for a task that a shutdown has to know by its name, also if it
  // never waits.
  void launch_listed() noexcept;

  // The scheduler's list of live tasks: which of its lists this task is in, or
  // was before a shutdown took it out, and its place there.
  static constexpr uint16_t kUnlisted = 0xffff, kRefused = 0xfffe,
                            kPart = 0xfffd;
  Header* live_next = nullptr;
  Header* live_prev = nullptr;

 private:
  // Apart, and not one word: live_list changes while others read the id.
  uint32_t id_low_;
  uint16_t id_high_;

 public:
  uint16_t live_list = kUnlisted;

 protected:
  explicit Header(Scheduler& scheduler) : scheduler_(&scheduler) {
    const uint64_t id = TaskId::next().value();
    id_low_ = static_cast<uint32_t>(id);
    id_high_ = static_cast<uint16_t>(id >> 32);
  }
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
  void suspend(bool wake_requested) noexcept {
    do_rest(pause(wake_requested));
  }

 private:
  // The future is pending.
  [[nodiscard]] Turn pause(bool wake_requested) noexcept {
    // Stays RUNNING: no edge is needed. A wake() or cancel() that came
    // meanwhile is seen by the next start(). [poll] rests on the run queue
    // here: its push releases what this poll wrote, its pop acquires it.
    return wake_requested ? Turn::kAgain : wait();
  }
  [[nodiscard]] Turn wait() noexcept;
  bool wait_to_join(const Waker& waker);
  // What a turn leaves to do.
  void do_rest(Turn turn) noexcept {
    if (turn == Turn::kAgain) return scheduler_->reschedule(*this);
    if (turn == Turn::kEnded) return finish();
  }
  bool leave_scheduler() noexcept;
  void drop_outcome() noexcept;
  void drop() noexcept;
  void refuse() noexcept;

  State state_;
  Scheduler* const scheduler_;
  // Owned as JOIN_WAKER says. Atomic, since complete() reads it on approval.
  std::atomic<Wakeable*> join_waker_{nullptr};
};
static_assert(sizeof(Header) == 7 * sizeof(void*));

// Inline, with the loop of a worker around it: a yield and the poll after it
// took 291 instructions when each went through three calls.
inline Header::Turn Header::turn(uint32_t budget,
                                 uintptr_t stack_limit) noexcept {
  if (state_.start() == AtStart::kDestroy) [[unlikely]] {
    cancel_future();
    return Turn::kEnded;
  }
  // The poll borrows the queue entry's reference.
  Waker waker = Waker::adopt(this);
  Context cx(waker, budget, stack_limit);
  const bool ready = poll_future(cx);
  std::move(waker).leak();
  return ready ? Turn::kEnded : pause(cx.wake_requested());
}

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_HEADER_H_
