// TaskLocal<T>: a value that belongs to a task, as a thread-local belongs to a
// thread.
//
//   static inline eddy::TaskLocal<RequestId> request;
//   ...
//   co_await request.scope(RequestId(7), handle(connection));
//   ...
//   log(request.get());  // anywhere below handle()
//
// The value is there while the future given to scope() is polled or destroyed,
// on whichever thread that is. Scopes nest; the innermost counts. A task that
// is spawned inside of a scope is not in it.
//
// Threads: get() and try_get() on any; they see the task that runs there.
// Cancel:  destroys the future, inside of the scope, and then the value.
// Errors:  get() outside of a scope is misuse. The scope ends as well where the
//          future throws.
// Owner:   a TaskLocal outlives its scopes: make it static. A reference that
//          get() gave is good until the end of the scope.
#ifndef EDDY_RUNTIME_TASK_TASK_LOCAL_H_
#define EDDY_RUNTIME_TASK_TASK_LOCAL_H_

#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/child.h"
#include "runtime/task/future.h"

namespace eddy {
namespace task {

// The scopes that this thread is in form a list, the innermost first.
class LocalScope {
 public:
  explicit LocalScope(const void* key, void* value);
  LocalScope(const LocalScope&) = delete;
  LocalScope& operator=(const LocalScope&) = delete;
  ~LocalScope();

  // The value of the innermost scope of `key`; null if there is none.
  static void* find(const void* key);

 private:
  const void* const key_;
  void* const value_;
  LocalScope* const outer_;
};

}  // namespace task

template <class T>
class TaskLocal {
 public:
  // A future, inside of a scope.
  template <Future F>
  class [[nodiscard]] Scope {
   public:
    using Output = OutputOf<F>;

    explicit Scope(const TaskLocal& local, T value, task::Child<F> child)
        : local_(local), value_(std::move(value)), child_(std::move(child)) {}
    Scope(Scope&&) = default;
    ~Scope() {
      task::LocalScope scope(&local_, &value_);
      child_.drop();
    }

    Poll<Output> poll(Context& cx) {
      task::LocalScope scope(&local_, &value_);
      if (!child_.poll(cx)) return kPending;
      if constexpr (std::is_void_v<Output>) {
        return kReady;
      } else {
        return static_cast<Output>(child_.take());
      }
    }

   private:
    const TaskLocal& local_;
    T value_;
    task::Child<F> child_;
  };

  constexpr TaskLocal() = default;
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  // A future of what `future` gives, for which get() is `value`.
  template <task::ChildLike S>
  Scope<task::ChildFuture<S>> scope(T value, S&& future) const {
    return Scope<task::ChildFuture<S>>(*this, std::move(value),
                                       task::as_child(std::forward<S>(future)));
  }

  T& get() const {
    T* value = try_get();
    EDDY_CHECK(value != nullptr,
               "TaskLocal::get() outside of a scope(): use try_get()");
    return *value;
  }
  // Null outside of a scope.
  T* try_get() const { return static_cast<T*>(task::LocalScope::find(this)); }
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_TASK_LOCAL_H_
