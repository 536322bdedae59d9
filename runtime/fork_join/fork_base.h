// ForkBase: what every fork_join is, whatever its children: the count of those
// that have not ended, and what becomes of them when they have to wait, or when
// the whole is dropped.
//
// A fork_join is a leaf future of its owner, the task or child that awaits it.
// Its first poll pushes all children but one to this core's deque, calls that
// one, and then pops and calls the others. So a child is in one of these
// states:
//
//   state      by                         to         who has it
//   ---------  -------------------------  ---------  -------------------------
//   forked     the owner pops it          running    the owner's thread
//   forked     a thief steals it          running    the thief's thread
//   forked     the slice is over, the     postponed  a queue, by a cell
//              stack low, no core here
//   postponed  a worker takes the cell    running    that worker
//   running    its poll is pending        suspended  its wakers, by a cell
//   suspended  it is woken, a worker      running    that worker
//              polls the cell
//   running    its poll is ready          ended
//   postponed, the owner is dropped       ended      whoever drops
//   suspended
//
// A cell (fork_cell.h) is made when a poll asks for a waker or ends pending,
// and for what is postponed: who forks, calls and ends unstolen allocates
// nothing but frames.
//
// How the owner joins, in `unfinished_`:
//
//   from            by                 to              then
//   --------------  -----------------  --------------  ----------------------
//   -k     (k>=0)   finish(1)          -(k + 1)        -
//   -k              wait(n), n > k     n - k           pending
//   -k              wait(n), n == k    0               ready
//   n > 1           finish(1)          n - 1           -
//   1               finish(1)          0               take the waker
//   0               (finish)           kJoined         wake
//   n > 0           poll again         n - kRetracted  renew the waker
//   n - kRetracted  (poll again)       as wait()
//   n > 0           drop               n + kDropping   wait for kDropping
//
// So an owner whose children all ran here never touches it. One that waits has
// published its waker, and does not touch it again before it has retracted; who
// brings the count from 1 to 0 owns waker and word until it stores kJoined, and
// the fork_join may be gone afterwards.
//
// Memory order: [join] every edge is acq_rel, or the store of kJoined and the
// load that finds it: what a child wrote, the owner sees.
//
// The list of cells, who may poll and who drops is guarded by a lock that forks
// share by their address: only children that wait come to it.
//
// The counter in the parent's frame, which unstolen children don't touch, is
// that of libfork; that the last child to finish wakes its parent, of
// TooManyCooks.
#ifndef EDDY_RUNTIME_FORK_JOIN_FORK_BASE_H_
#define EDDY_RUNTIME_FORK_JOIN_FORK_BASE_H_

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <type_traits>

#include "runtime/base/bits.h"
#include "runtime/base/mutex.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/task/context.h"
#include "runtime/task/cursor.h"
#include "runtime/task/waker.h"

namespace eddy::forks {

class Caller;
class ForkCell;

// The lock that a fork shares with others, and what to wait at for its
// children. Lives for ever.
struct alignas(base::kCacheLine) Stripe {
  base::Mutex mutex;
  base::CondVar child_ended;
};

class ForkBase : public scheduler::Fork {
 public:
  void run_stolen(uint64_t branches) noexcept final;
  void postpone(uint64_t branches) noexcept final;
  // True if the child, which has waited, has ended.
  bool poll_child(task::PromiseBase& frame, Context& cx) noexcept;

  // A child that was polled elsewhere than by the owner has ended; *this may be
  // gone afterwards.
  void finish(int64_t children) noexcept;
  // The first one counts.
  void fail(std::exception_ptr error) noexcept;
  // The outcome of child `branch`: takes it out of the frame.
  virtual void end_child(uint64_t branch,
                         task::PromiseBase& frame) noexcept = 0;
  // It will not be polled any more.
  virtual void drop_child(uint64_t branch,
                          task::PromiseBase& frame) noexcept = 0;
  // How many children `branches` stands for.
  virtual int64_t count(uint64_t branches) const noexcept = 0;

  Stripe& stripe() const;
  task::Header* task() const { return task_; }

  // Under the lock of stripe():
  bool is_dropping() const { return is_dropping_.load(kRelaxed); }
  void link(ForkCell& cell);
  void unlink(ForkCell& cell);

 protected:
  ForkBase() = default;
  // Until the first poll.
  ForkBase(ForkBase&& other) noexcept;
  ~ForkBase() = default;

  // For threads without a core, where nothing can be pushed.
  class NoLane {
   public:
    explicit NoLane() = default;
    bool wants_publish() const { return false; }
    bool push(scheduler::ForkDeque::Item) { return false; }
    bool pop(scheduler::ForkDeque::Item&) { return false; }
    bool is_slice_over() { return false; }
  };

  // Runs what `branches` means; how many children have ended. The others were
  // stolen, or will end by finish().
  virtual int64_t run(uint64_t branches, scheduler::ForkLane& lane,
                      Caller& caller) noexcept = 0;
  virtual int64_t run(uint64_t branches, NoLane& lane,
                      Caller& caller) noexcept = 0;

  // The owner's poll. The first one begins: with a lane it runs the children,
  // without (there is no core here, or little stack) it postpones them. Then it
  // waits for those that have not ended, as later polls do.
  bool is_begun() const { return is_begun_; }
  // Outside of a poll: all children have ended.
  bool has_ended() const { return is_begun_ && !is_waiting_; }
  [[nodiscard]] scheduler::ForkLane* begin(const Context& cx);
  // True if all children have ended.
  [[nodiscard]] bool wait(Context& cx, int64_t children);
  [[nodiscard]] bool poll_again(Context& cx);
  // All have ended: throws the first exception.
  void rethrow_if_failed() {
    if (failed_.load(kRelaxed)) [[unlikely]] {
      rethrow();
    }
  }
  // In the destructor of the most derived class: no child is polled any more
  // afterwards.
  void drop() noexcept {
    if (is_waiting_) [[unlikely]] {
      stop_children();
    }
  }

 private:
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  static constexpr int64_t kJoined = std::numeric_limits<int64_t>::max();
  static constexpr int64_t kRetracted = int64_t{1} << 40;
  static constexpr int64_t kDropping = std::numeric_limits<int64_t>::min() / 2;

  [[noreturn]] void rethrow();
  void stop_children() noexcept;
  int64_t take_idle_cells();

  std::atomic<int64_t> unfinished_{0};
  Waker waker_;
  std::exception_ptr error_;
  ForkCell* cells_ = nullptr;
  task::Header* task_ = nullptr;  // that the owner belongs to
  std::atomic<bool> failed_{false};
  std::atomic<bool> is_dropping_{false};
  bool is_begun_ = false;
  bool is_waiting_ = false;
};

// Calls children of a fork in place, one after the other. Makes a cell for the
// one that is being called when somebody wants to wake it. What that one forks
// itself finds here where it is.
class Caller final : public WakerSource {
 public:
  Caller(ForkBase& fork, scheduler::ForkLane* lane, uintptr_t stack_limit)
      : cx_(*this, stack_limit), fork_(fork), lane_(lane) {}

  // Calls a child that has not started. True if it has ended.
  [[gnu::always_inline]] bool call(task::PromiseBase& frame, uint64_t branch) {
    branch_ = branch;
    frame_ = &frame;
    cx_.begin_poll();
    if (frame.start(cx_) && cell_ == nullptr) [[likely]] {
      return true;
    }
    return settle(frame);
  }

  // Who polls `cx`, if that is a fork.
  static const Caller* around(const Context& cx) {
    return static_cast<const Caller*>(cx.source());
  }
  const ForkBase& fork() const { return fork_; }
  scheduler::ForkLane* lane() const { return lane_; }

  const Waker& waker() noexcept override;

 private:
  bool settle(task::PromiseBase& frame) noexcept;
  ForkCell& cell() noexcept;

  Context cx_;
  ForkBase& fork_;
  scheduler::ForkLane* const lane_;
  // Of the call in progress: not set before.
  uint64_t branch_;
  task::PromiseBase* frame_;
  ForkCell* cell_ = nullptr;
};

[[gnu::always_inline]] inline scheduler::ForkLane* ForkBase::begin(
    const Context& cx) {
  is_begun_ = true;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (const Caller* caller = Caller::around(cx)) [[likely]] {
    task_ = caller->fork().task_;
    return here < cx.stack_limit() ? nullptr : caller->lane();
  }
  const context::Current& current = context::current();
  task_ = current.task;
  return here < cx.stack_limit() ? nullptr : current.forks;
}

// co_await of a fork: runs it in place.
template <class Fork>
class ForkAwaiter : private task::Suspension {
 public:
  ForkAwaiter(Fork& fork, task::PromiseBase& frame)
      : Suspension(&ForkAwaiter::poll, frame), fork_(fork) {}

  bool await_ready() { return fork_.poll_all(frame->context()); }
  void await_suspend(std::coroutine_handle<>) noexcept {
    frame->cursor().wait_at(*this);
  }
  decltype(auto) await_resume() { return fork_.take(); }

 private:
  static bool poll(task::Suspension& self, Context& cx) noexcept {
    return static_cast<ForkAwaiter&>(self).fork_.poll_all(cx);
  }

  Fork& fork_;
};

}  // namespace eddy::forks

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_BASE_H_
