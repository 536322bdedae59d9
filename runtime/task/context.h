// Context: what a future is told when it is polled: whom to wake, how much it
// may still do before it should let others run, and how deep the stack may get.
// It knows nothing of an executor.
//
// Threads: lives on the stack of one poll; never kept.
#ifndef EDDY_RUNTIME_TASK_CONTEXT_H_
#define EDDY_RUNTIME_TASK_CONTEXT_H_

#include <cstdint>

#include "runtime/task/poll.h"
#include "runtime/task/waker.h"

namespace eddy {

namespace forks {
class Caller;
}

// Makes the waker of a poll when it is asked for: for what is polled often and
// seldom has to wait, as the children of a fork_join.
class WakerSource {
 public:
  // Borrowed, and good for the rest of the poll.
  virtual const Waker& waker() noexcept = 0;

 private:
  friend class forks::Caller;  // the only one: see Context::source()
  WakerSource() = default;
  WakerSource(const WakerSource&) = delete;
  WakerSource& operator=(const WakerSource&) = delete;
  ~WakerSource() = default;
};

class Context {
 public:
  // How many times per poll a task may find a resource ready. Tokio's figure;
  // large enough to vanish in the cost of the operations, small enough that a
  // task which always finds data waits its turn with the others.
  static constexpr uint32_t kDefaultBudget = 128;

  // An executor makes one Context per poll. The waker is borrowed: a future
  // that wants to keep it copies it. `stack_limit`: below this address calls of
  // child tasks are no longer nested but handed to the poll loop.
  explicit Context(const Waker& waker, uint32_t budget = kDefaultBudget,
                   uintptr_t stack_limit = default_stack_limit())
      : waker_(&waker), stack_limit_(stack_limit), budget_(budget) {}
  explicit Context(WakerSource& source, uintptr_t stack_limit)
      : source_(&source), stack_limit_(stack_limit), budget_(kDefaultBudget) {}

  // The same poll seen by a part with a waker of its own, as in a set of
  // futures that tells its children apart. It spends the same budget; give it
  // back with merge().
  Context with_waker(const Waker& waker) const {
    return Context(waker, budget_, stack_limit_);
  }
  void merge(const Context& part) { budget_ = part.budget_; }

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Waker& waker() const {
    return waker_ != nullptr ? *waker_ : source_->waker();
  }

  // Who polls, if that is a fork_join; else null.
  WakerSource* source() const { return source_; }
  // The same Context for another poll by `source`.
  void begin_poll() {
    budget_ = kDefaultBudget;
    wake_requested_ = 0;
  }

  // Asks for another poll after the other runnable tasks had their turn.
  // Cheaper than waker().wake(): no atomic operation. The executor looks at
  // wake_requested() when a poll came back pending.
  void request_wake() { wake_requested_ = 1; }
  bool wake_requested() const { return wake_requested_ != 0; }

  // Cooperative budget. A leaf that could go on for ever asks first:
  //
  //   if (!cx.has_budget()) return cx.yield();
  //   ... ready: cx.spend();
  bool has_budget() const { return budget_ > 0; }
  void spend() {
    if (budget_ > 0) --budget_;
  }
  // For `return cx.yield();`: pending, and polled again soon.
  Pending yield() {
    request_wake();
    return kPending;
  }
  uint32_t budget() const { return budget_; }

  uintptr_t stack_limit() const { return stack_limit_; }
  // That of a poll which begins here.
  static uintptr_t default_stack_limit() {
    auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    return here > kNestingBytes ? here - kNestingBytes : 0;
  }

 private:
  // What a poll may use of the stack for nested calls, in bytes.
  static constexpr uintptr_t kNestingBytes = 48 * 1024;

  const Waker* const waker_ = nullptr;  // or else source_
  WakerSource* const source_ = nullptr;
  const uintptr_t stack_limit_;
  uint32_t budget_;
  uint32_t wake_requested_ = 0;  // a flag, set in one store with the budget
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_CONTEXT_H_
