// Task<T>: a lazy coroutine, and a Future of T.
//
//   eddy::Task<int> answer() { co_return 42; }
//   eddy::Task<> print() { std::cout << co_await answer(); }
//
// T may be void (the default), move-only, or a reference. A Task starts when it
// is first polled: by co_await, by a combinator such as join(), or by spawn().
// co_await takes any Future, by reference or as a temporary; a Task only as an
// rvalue (`co_await std::move(task)`) or, to keep it when a select() drops the
// wait, by reference.
//
// Threads: may be moved and polled on different threads, one at a time.
// Cancel:  destroying a Task destroys its frames, innermost first: destructors
//          of locals run, leaf futures unlink themselves.
// Errors:  an exception that leaves the coroutine goes to whoever awaits it.
// Owner:   owns its frame. Parameters are taken by value: a Task may start long
//          after the call. A lambda that is a coroutine must outlive its frame;
//          spawn() and block_on() keep the lambda they are given.
//
// The awaiters have user-declared constructors, and so must yours: GCC 12
// destroys an aggregate that is a temporary in a co_await expression twice.
#ifndef EDDY_RUNTIME_TASK_TASK_H_
#define EDDY_RUNTIME_TASK_TASK_H_

#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/task/cursor.h"
#include "runtime/task/future.h"

namespace eddy {

template <class T = void>
class Task;

namespace task {

// co_await of a leaf: polls it in place, once at first and then whenever the
// task is polled.
template <class F>
class LeafAwaiter : private Suspension {
 public:
  using Output = OutputOf<F>;

  LeafAwaiter(F& future, PromiseBase& frame)
      : Suspension(&LeafAwaiter::poll_leaf, frame), future_(future) {}
  LeafAwaiter(const LeafAwaiter&) = delete;
  LeafAwaiter& operator=(const LeafAwaiter&) = delete;

  bool await_ready() noexcept { return poll_leaf(*this, frame->context()); }
  void await_suspend(std::coroutine_handle<>) noexcept {
    frame->cursor().wait_at(*this);
  }
  Output await_resume() {
    if (result_.is_pending()) [[unlikely]] {
      frame->throw_leaf_error();
    }
    return *std::move(result_);
  }

 private:
  static bool poll_leaf(Suspension& suspension, Context& cx) noexcept {
    auto& self = static_cast<LeafAwaiter&>(suspension);
    try {
      // In place, so that the output need not be assignable. A pending Poll
      // owns nothing that its successor could leak.
      std::construct_at(&self.result_, self.future_.poll(cx));
      return self.result_.is_ready();
    } catch (...) {
      std::construct_at(&self.result_, kPending);
      self.frame->set_error(std::current_exception());
      return true;
    }
  }

  F& future_;
  Poll<Output> result_ = kPending;
};

template <class T>
class Promise;

// The frame of a task that was never polled, for whoever polls it from now on:
// as a root, by PromiseBase::start() and run(), and ends it by destroy().
template <class T>
Promise<T>& release_frame(Task<T> task);

// co_await of a task that has not started: calls it.
template <class T>
class CallAwaiter : private CallSite {
 public:
  CallAwaiter(std::coroutine_handle<Promise<T>> child, PromiseBase& caller)
      : CallSite(caller) {
    this->child = child;
  }
  CallAwaiter(const CallAwaiter&) = delete;
  CallAwaiter& operator=(const CallAwaiter&) = delete;
  ~CallAwaiter() {
    if (child) child.destroy();
  }

  bool await_ready() noexcept { return promise().call(*this); }
  // The callee has left its mark in the cursor.
  void await_suspend(std::coroutine_handle<>) noexcept {}
  T await_resume() { return promise().take(); }

 private:
  Promise<T>& promise() {
    return std::coroutine_handle<Promise<T>>::from_address(child.address())
        .promise();
  }
};

// A future that brings an awaiter of its own, to save the way of its output
// through a Poll: await_in() gives one that is a Suspension of `frame`.
template <class F>
concept BringsAwaiter = Future<F> && requires(F& future, PromiseBase& frame) {
  future.await_in(frame);
};

// What the promises of all tasks accept after co_await.
class AwaitingPromise : public PromiseBase {
 public:
  template <BringsAwaiter F>
  auto await_transform(F&& future) {
    return future.await_in(*this);
  }
  template <Future F>
  LeafAwaiter<std::remove_reference_t<F>> await_transform(F&& future) {
    return {future, *this};
  }
  template <class T>
  CallAwaiter<T> await_transform(Task<T>&& task) {
    return {std::move(task).release_unstarted(), *this};
  }
};

template <class T>
class Promise final : public AwaitingPromise {
 public:
  Promise() {}
  ~Promise() {
    if (has_value_) std::destroy_at(&value_);
  }

  Task<T> get_return_object();

  template <class U = T>
  requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    std::construct_at(&value_, std::forward<U>(value));
    has_value_ = true;
  }

  T take() {
    rethrow_if_failed();
    return std::move(value_);
  }

 private:
  bool has_value_ = false;
  union {
    T value_;
  };
};

template <class T>
class Promise<T&> final : public AwaitingPromise {
 public:
  Promise() {}

  Task<T&> get_return_object();
  void return_value(T& value) { value_ = &value; }
  T& take() {
    rethrow_if_failed();
    return *value_;
  }

 private:
  T* value_ = nullptr;
};

template <>
class Promise<void> final : public AwaitingPromise {
 public:
  Promise() {}

  Task<void> get_return_object();
  void return_void() {}
  void take() { rethrow_if_failed(); }
};

}  // namespace task

template <class T>
class [[nodiscard]] Task {
 public:
  using Output = T;
  using promise_type = task::Promise<T>;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.promise().destroy();
  }

  [[gnu::always_inline]] Poll<T> poll(Context& cx) {
    if (!frame_.promise().run(cx)) return kPending;
    if constexpr (std::is_void_v<T>) {
      frame_.promise().take();
      return kReady;
    } else {
      return frame_.promise().take();
    }
  }

 private:
  friend promise_type;
  friend task::AwaitingPromise;
  friend task::Promise<T>& task::release_frame<T>(Task<T> task);

  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {
    static_assert(alignof(promise_type) <= 2 * sizeof(void*),
                  "Task<T>: T is over-aligned; return a std::unique_ptr<T>");
  }

  std::coroutine_handle<promise_type> release_unstarted() && {
    EDDY_CHECK(frame_ && !frame_.promise().started(),
               "co_await std::move(task) of a task that was polled already: "
               "await it by reference, co_await task");
    return std::exchange(frame_, nullptr);
  }

  std::coroutine_handle<promise_type> frame_;
};

namespace task {

template <class T>
Promise<T>& release_frame(Task<T> task) {
  return std::move(task).release_unstarted().promise();
}

template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

template <class T>
Task<T&> Promise<T&>::get_return_object() {
  return Task<T&>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task
}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_TASK_H_
