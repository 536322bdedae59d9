// The cursor of a task: where in its stack of coroutine frames it stands.
//
// A task's nested children form a stack of frames. Only the innermost one can
// go on, and it waits either for a leaf future or for nothing (it is about to
// start, or its callee has just returned). The root's promise keeps that place,
// so to poll a task is to poll one leaf and, if it is ready, to resume one
// frame. Nothing between root and leaf is touched.
//
//   Cursor::at        what run() does next
//   ----------------  ----------------------------------------------------
//   a Suspension      poll that leaf; when ready, resume its frame
//   a frame           resume that frame
//
// A child is started inside its caller's await_ready(), an ordinary call. When
// it suspends, the C++ stack unwinds to run(), and later resumes start there:
// run() is the trampoline. Below Context::stack_limit() a child is not called
// but left to the trampoline, so recursion is bounded by memory, not by the
// stack, in every build mode; nothing depends on the compiler making tail
// calls.
//
// Threads: touched only by the thread that polls the task.
#ifndef EDDY_RUNTIME_TASK_CURSOR_H_
#define EDDY_RUNTIME_TASK_CURSOR_H_

#include <coroutine>
#include <cstdint>
#include <exception>

#include "runtime/base/check.h"
#include "runtime/task/context.h"
#include "runtime/task/frame_pool.h"

namespace eddy::task {

class PromiseBase;

// A frame that waits for a leaf future; lives in that frame.
struct Suspension {
  // True when the leaf is ready; its value, or exception, is then stored.
  using PollLeaf = bool (*)(Suspension&, Context&) noexcept;

  Suspension(PollLeaf poll_leaf, PromiseBase& frame)
      : poll_leaf(poll_leaf), frame(&frame) {}

  PollLeaf poll_leaf;
  PromiseBase* frame;
};

// A frame that waits for a child task; lives in the caller's frame.
struct CallSite {
  explicit CallSite(PromiseBase& caller) : caller(&caller) {}

  std::coroutine_handle<> child;
  PromiseBase* caller;
};

class Cursor {
 public:
  void wait_at(Suspension& leaf) { at_ = reinterpret_cast<uintptr_t>(&leaf); }
  void resume_at(PromiseBase& frame) {
    at_ = reinterpret_cast<uintptr_t>(&frame) | kFrame;
  }

  // Whether the next step is to resume a frame; else it is to poll leaf().
  bool is_at_frame() const { return (at_ & kFrame) != 0; }
  // Null if the next step is to resume a frame.
  Suspension* leaf() const {
    return (at_ & kFrame) != 0 ? nullptr : reinterpret_cast<Suspension*>(at_);
  }
  // The innermost frame, whatever it waits for.
  PromiseBase& frame() const {
    return (at_ & kFrame) != 0 ? *reinterpret_cast<PromiseBase*>(at_ & ~kFrame)
                               : *leaf()->frame;
  }

  Context& context() const { return *context_; }
  void set_context(Context& cx) { context_ = &cx; }

 private:
  static constexpr uintptr_t kFrame = 1;  // at_ points at a PromiseBase

  uintptr_t at_ = 0;
  Context* context_ = nullptr;  // of the poll in progress
};

// The part of a task's promise that knows nothing of its result.
class PromiseBase {
 public:
  static void* operator new(std::size_t size) {
    return frame_pool::allocate(size);
  }
  static void operator delete(void* frame, std::size_t size) noexcept {
    frame_pool::deallocate(frame, size);
  }

  PromiseBase() : own_() {
    // Where it lies 16 bytes behind its frame it is as aligned as that.
    EDDY_DCHECK(reinterpret_cast<uintptr_t>(this) % 16 == 0,
                "g++ 12 puts the promise of a coroutine in the wrong place if "
                "it has no local variable, and an if or while with co_await in "
                "its condition: name the value, or wrap the body in a block "
                "that has a variable");
  }
  PromiseBase(const PromiseBase&) = delete;
  PromiseBase& operator=(const PromiseBase&) = delete;

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    // User-declared, as everything that appears in a co_await expression.
    Final() noexcept {}
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      self.promise().return_to_caller();
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept { error_ = std::current_exception(); }

  // A leaf future threw while the trampoline polled it: kept here until the
  // awaiter resumes. The slot is free then, since this frame has not ended.
  void set_error(std::exception_ptr error) { error_ = std::move(error); }
  // Throws what set_error() kept.
  [[noreturn]] void throw_leaf_error();

  // Once it has ended: what left the coroutine, or null.
  const std::exception_ptr& error() const { return error_; }

  // The root was polled, or the frame was called by another.
  bool started() const { return cursor_ != nullptr; }

  Context& context() const { return cursor_->context(); }
  Cursor& cursor() const { return *cursor_; }

  // As the root of a task: goes on until a leaf is pending (false) or this
  // frame has ended (true). Inline is what most polls are, that of a leaf. What
  // resumes a frame is not: the watchdog looks for it in a stack.
  [[gnu::always_inline]] bool run(Context& cx) {
    if (!started()) return first_run(cx);
    EDDY_DCHECK(cursor_ == &own_, "a task that was co_awaited is polled");
    EDDY_DCHECK(!handle().done(), "a task is polled after it was ready");
    own_.set_context(cx);
    if (own_.is_at_frame()) [[unlikely]] {
      return go_on(own_.frame());
    }
    Suspension& leaf = *own_.leaf();
    return leaf.poll_leaf(leaf, cx) && go_on(*leaf.frame);
  }
  // The first run(), in two parts where many children are started: start() is
  // inlined there, and what it leaves to continue_start() is rare. The cursor
  // needs no place yet: it has one when the frame suspends.
  bool start(Context& cx) {
    cursor_ = &own_;
    own_.set_context(cx);
    const std::coroutine_handle<> root = handle();
    root.resume();
    return root.done();
  }
  // Once start() has answered false.
  bool continue_start() {
    return own_.is_at_frame() && go_on(own_.frame());
  }

  // As a child: starts it, now or through the trampoline. True if it has ended.
  bool call(CallSite& site);

  // Destroys the frame and, innermost first, the frames that it has called.
  // Not recursive: a chain of a million frames needs no stack.
  void destroy() noexcept;
  // Of a frame that has ended.
  void destroy_ended() noexcept { handle().destroy(); }

  // The promises of all tasks lie at the same offset from their frames, since
  // none is aligned to more than two pointers (Task checks that).
  std::coroutine_handle<> handle() {
    return std::coroutine_handle<PromiseBase>::from_promise(*this);
  }

 protected:
  ~PromiseBase() = default;

  void return_to_caller() noexcept {
    if (cursor_ != &own_) cursor_->resume_at(*caller_->caller);
  }
  void rethrow_if_failed() {
    if (error_) [[unlikely]] {
      std::rethrow_exception(error_);
    }
  }

 private:
  bool first_run(Context& cx);
  bool go_on(PromiseBase& innermost);

  Cursor* cursor_ = nullptr;  // the root's own_
  union {
    Cursor own_;        // in a root
    CallSite* caller_;  // in a child
  };
  std::exception_ptr error_;
};

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_CURSOR_H_
