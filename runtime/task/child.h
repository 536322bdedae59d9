// Child<F>: a future that a combinator owns, and then, in the same place, its
// value. What join(), select() and timeout() are made of.
//
//   Child<F> child = as_child(std::forward<S>(s));
//   ...
//   if (child.poll(cx)) use(child.take());
//
// as_child() accepts what a combinator's user may pass:
//   a future by value   is moved in, and destroyed when it is ready
//   a future by lvalue  is used where it is, and left alone at the end
//   a callable          makes the future at the first poll, in place: for those
//                       that can't be moved
//
// Threads: as any future. May be moved while it is allowed to move the future:
//          until the first poll.
// Cancel:  drop() and the destructor destroy a future that is owned.
#ifndef EDDY_RUNTIME_TASK_CHILD_H_
#define EDDY_RUNTIME_TASK_CHILD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/base/check.h"
#include "runtime/task/callable.h"
#include "runtime/task/future.h"

namespace eddy::task {

// How an Output is kept in a tuple or variant: void as std::monostate, a
// reference as std::reference_wrapper.
template <class Output>
struct StorableOf {
  using Type = Output;
};
template <>
struct StorableOf<void> {
  using Type = std::monostate;
};
template <class T>
struct StorableOf<T&> {
  using Type = std::reference_wrapper<T>;
};
template <class Output>
using Storable = typename StorableOf<Output>::Type;

// F is a future, or a reference to one.
template <Future F>
class Child {
 public:
  using Output = OutputOf<F>;
  using Value = Storable<Output>;

  explicit Child(F&& future) : future_(store(std::forward<F>(future))) {}
  Child(Child&& other) : future_(std::move(other.future_)) {
    EDDY_CHECK(other.state_ == State::kRunning,
               "join(), select() or timeout() is moved after it was ready");
  }
  Child& operator=(Child&&) = delete;
  ~Child() { drop(); }

  // True when the value is there; the future is gone then.
  bool poll(Context& cx) {
    if (state_ == State::kDone) return true;
    EDDY_DCHECK(state_ == State::kRunning,
                "join(), select() or timeout() is polled after it was ready");
    Poll<Output> result = future().poll(cx);
    if (result.is_pending()) return false;
    drop();  // before its value is passed on, and to make room for that
    if constexpr (std::is_void_v<Output>) {
      std::construct_at(&value_);
    } else {
      std::construct_at(&value_, *std::move(result));
    }
    state_ = State::kDone;
    return true;
  }

  // poll(), and take() if it is ready; with poll_now() where `kNow`.
  template <bool kNow>
  Poll<Value> poll_and_take(Context& cx) {
    EDDY_DCHECK(state_ == State::kRunning,
                "join(), select() or timeout() is polled after it was ready");
    Poll<Output> result = [&] {
      if constexpr (kNow) {
        return future().poll_now(cx);
      } else {
        return future().poll(cx);
      }
    }();
    if (result.is_pending()) return kPending;
    state_ = State::kGone;
    std::destroy_at(&future_);  // before its value is passed on
    if constexpr (std::is_void_v<Output>) {
      return Value();
    } else {
      return Value(*std::move(result));
    }
  }

  // Once poll() was true.
  Value& value() { return value_; }
  Value take() {
    Value value = std::move(value_);
    drop();
    return value;
  }

  // Destroys what is here, future or value.
  void drop() noexcept {
    if (state_ != State::kGone) destroy();
  }

 private:
  using Stored =
      std::conditional_t<std::is_reference_v<F>,
                         std::add_pointer_t<std::remove_reference_t<F>>, F>;
  enum class State : uint8_t { kRunning, kDone, kGone };

  // Not inlined: where it is, GCC 12 takes what a second drop() does not touch
  // for a use of what the first one destroyed, and warns.
  [[gnu::noinline]] void destroy() noexcept {
    if (std::exchange(state_, State::kGone) == State::kRunning) {
      std::destroy_at(&future_);
    } else {
      std::destroy_at(&value_);
    }
  }

  static decltype(auto) store(F&& future) {
    if constexpr (std::is_reference_v<F>) {
      return &future;
    } else {
      return std::move(future);
    }
  }
  auto& future() {
    if constexpr (std::is_reference_v<F>) {
      return *future_;
    } else {
      return future_;
    }
  }

  union {
    Stored future_;  // while kRunning
    Value value_;    // while kDone
  };
  State state_ = State::kRunning;
};

// What a combinator keeps for an argument of type S&&: F, F&, or the future of
// a callable.
template <class S>
struct ChildFutureOf;
template <Future F>
struct ChildFutureOf<F> {
  using Type = F;
};
template <class S>
  requires(!Future<S> && FutureFactory<std::decay_t<S>>)
struct ChildFutureOf<S> {
  using Type = CallableFuture<std::decay_t<S>>;
};
template <class S>
using ChildFuture = typename ChildFutureOf<S>::Type;

// What may be passed to a combinator.
template <class S>
concept ChildLike = Future<S> || FutureFactory<std::decay_t<S>>;

// What a Child is made of: the future itself, or what a callable becomes.
template <ChildLike S>
using ChildSource =
    std::conditional_t<Future<S>, ChildFuture<S>&&, ChildFuture<S>>;

template <ChildLike S>
Child<ChildFuture<S>> as_child(S&& s) {
  if constexpr (Future<S>) {
    return Child<ChildFuture<S>>(std::forward<S>(s));
  } else {
    return Child<ChildFuture<S>>(ChildFuture<S>(std::forward<S>(s)));
  }
}

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_CHILD_H_
