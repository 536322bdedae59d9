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
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>

#include "runtime/base/bits.h"
#include "runtime/base/mutex.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/fork_lane.h"
#include "runtime/task/context.h"
#include "runtime/task/cursor.h"
#include "runtime/task/waker.h"

namespace eddy::forks {

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
  // True if the child, which has waited, has ended.
  bool poll_child(task::PromiseBase& frame, Context& cx) noexcept;

  // A child that was polled elsewhere than by the owner has ended; *this may be
  // gone afterwards.
  void finish(int64_t children) noexcept;
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

  // Where children run: on a core, or not.
  class Place {
   public:
    // For the owner's poll, which postpones them where it can't call them.
    explicit Place(Context& cx)
        : lane_(is_low(cx.stack_limit()) ? nullptr : context::current().forks),
          stack_limit_(cx.stack_limit()),
          must_call_(false) {}
    // At the base of a stack: they are called in any case.
    Place()
        : lane_(context::current().forks),
          stack_limit_(Context::default_stack_limit()),
          must_call_(true) {}

    uintptr_t stack_limit() const { return stack_limit_; }
    [[nodiscard]] bool push(scheduler::ForkDeque::Item item) {
      return lane_ != nullptr && lane_->push(item);
    }
    [[nodiscard]] bool pop(scheduler::ForkDeque::Item& item) {
      return lane_->pop(item);
    }
    // Before each child.
    bool may_call() {
      return lane_ != nullptr ? !lane_->is_slice_over() : must_call_;
    }

   private:
    static bool is_low(uintptr_t limit) {
      return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < limit;
    }

    scheduler::ForkLane* const lane_;
    const uintptr_t stack_limit_;
    const bool must_call_;
  };

  // Runs what `branches` means; how many children have ended. The others were
  // stolen, or will end by finish().
  virtual int64_t run(uint64_t branches, Place& place) noexcept = 0;

  // The owner's poll. The first one begins, runs, and waits for what has not
  // ended; later ones only wait. True if all children have ended.
  bool is_begun() const { return is_begun_; }
  void begin() {
    is_begun_ = true;
    task_ = context::current().task;
  }
  [[nodiscard]] bool wait(Context& cx, int64_t children);
  [[nodiscard]] bool poll_again(Context& cx);
  // All have ended: throws the first exception.
  void rethrow_if_failed() {
    if (failed_.load(kRelaxed)) [[unlikely]] {
      rethrow();
    }
  }
  // In the destructor of what has the children: none is polled any more
  // afterwards.
  void drop() noexcept {
    if (is_waiting_) stop_children();
  }

  // Calls a child that has not started. True if it has ended.
  bool call(task::PromiseBase& frame, uint64_t branch, uintptr_t stack_limit);
  void postpone(uint64_t branches) noexcept;
  // The first one counts.
  void fail(std::exception_ptr error) noexcept;

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

// A child that is called in place: makes its cell when somebody wants to wake
// it.
class CalledChild final : public WakerSource {
 public:
  CalledChild(ForkBase& fork, uint64_t branch, task::PromiseBase& frame)
      : fork_(fork), branch_(branch), frame_(frame) {}

  const Waker& waker() noexcept override;
  bool has_cell() const { return cell_ != nullptr; }
  // The call is over: the child has ended, or is suspended.
  void leave(bool ended, bool wake_requested) noexcept;

 private:
  ForkCell& cell() noexcept;

  ForkBase& fork_;
  const uint64_t branch_;
  task::PromiseBase& frame_;
  ForkCell* cell_ = nullptr;
};

inline bool ForkBase::call(task::PromiseBase& frame, uint64_t branch,
                           uintptr_t stack_limit) {
  CalledChild child(*this, branch, frame);
  Context cx(child, stack_limit);
  const bool ended = frame.start(cx);
  if (!ended || child.has_cell()) [[unlikely]] {
    child.leave(ended, cx.wake_requested());
  }
  return ended;
}

}  // namespace eddy::forks

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_BASE_H_
