// JoinHandle<T>: the spawner's end of a task. Awaiting it gives a
// JoinResult<T>: the task's value, "cancelled", or the exception that left it.
//
//   eddy::JoinHandle<int> handle = eddy::spawn(answer());
//   eddy::JoinResult<int> result = co_await handle;
//   if (result.has_value()) use(*std::move(result));
//
//   int value = (co_await eddy::spawn(answer())).value();  // throws what it
//   threw
//
// Threads: a JoinHandle belongs to one task at a time; an AbortHandle may be
//          used by any thread.
// Cancel:  dropping a JoinHandle detaches the task, which goes on; abort()
//          cancels it: its future is destroyed at its next turn, on a thread of
//          the runtime, and the join answers "cancelled" after that.
// Errors:  spawning on a runtime that has shut down gives a handle whose task
//          is cancelled. An exception of a task whose handle is dropped unread
//          goes to the runtime's unhandled-exception policy; where the task has
//          ended before, only if the handle is dropped inside the runtime.
// Owner:   keeps the task's memory and outcome, not the task.
#ifndef EDDY_RUNTIME_TASK_JOIN_HANDLE_H_
#define EDDY_RUNTIME_TASK_JOIN_HANDLE_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/future.h"
#include "runtime/task/header.h"

namespace eddy {

// Thrown by JoinResult::value() alone, when there is no value.
class TaskCancelled : public std::exception {
 public:
  const char* what() const noexcept override {
    return "the task was cancelled";
  }
};

struct Cancelled {
  explicit Cancelled() = default;
};

// A variant by hand: a destructor of T that throws ends the process inside of
// std::variant, but a task has to survive it.
template <class T>
class [[nodiscard]] JoinResult {
  using Stored =
      std::conditional_t<std::is_reference_v<T>,
                         std::add_pointer_t<std::remove_reference_t<T>>, T>;

 public:
  explicit JoinResult(Cancelled) {}
  explicit JoinResult(std::exception_ptr error) : kind_(Kind::kError) {
    std::construct_at(&error_, std::move(error));
  }
  template <class... Args>
  explicit JoinResult(std::in_place_t, Args&&... args) {
    std::construct_at(&value_, store(std::forward<Args>(args))...);
    kind_ = Kind::kValue;
  }
  JoinResult(JoinResult&& other) { take(other); }
  JoinResult& operator=(JoinResult&& other) {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~JoinResult() noexcept(std::is_nothrow_destructible_v<Stored>) { clear(); }

  bool has_value() const { return kind_ == Kind::kValue; }
  bool is_cancelled() const { return kind_ == Kind::kCancelled; }
  // Null unless the task threw.
  std::exception_ptr exception() const {
    return kind_ == Kind::kError ? error_ : nullptr;
  }

  // Rethrows the task's exception; throws TaskCancelled if it was cancelled.
  T value() && {
    if (kind_ == Kind::kError) std::rethrow_exception(error_);
    if (is_cancelled()) throw TaskCancelled();
    return *std::move(*this);
  }
  T operator*() && {
    EDDY_CHECK(has_value(),
               "JoinResult: the task has no value: ask "
               "has_value() first, or call value()");
    if constexpr (std::is_reference_v<T>) {
      return *value_;
    } else {
      return std::move(value_);
    }
  }

 private:
  enum class Kind : uint8_t { kCancelled, kError, kValue };

  template <class U>
  static decltype(auto) store(U&& value) {
    if constexpr (std::is_reference_v<T>) {
      return &value;
    } else {
      return std::forward<U>(value);
    }
  }

  // Into a result that is cancelled, which it stays if a move throws.
  void take(JoinResult& other) {
    if (other.kind_ == Kind::kError) {
      std::construct_at(&error_, std::move(other.error_));
    } else if (other.kind_ == Kind::kValue) {
      std::construct_at(&value_, std::move(other.value_));
    }
    kind_ = other.kind_;
  }
  void clear() {
    switch (std::exchange(kind_, Kind::kCancelled)) {
      case Kind::kError:
        std::destroy_at(&error_);
        break;
      case Kind::kValue:
        std::destroy_at(&value_);
        break;
      case Kind::kCancelled:
        break;
    }
  }

  Kind kind_ = Kind::kCancelled;
  union {
    std::exception_ptr error_;
    Stored value_;
  };
};

// One pointer, and no kind beside it: null is the value. It is what makes
// Cell<Task<>> one cache line.
template <>
class [[nodiscard]] JoinResult<void> {
 public:
  explicit JoinResult(Cancelled) : error_(cancelled()) {}
  explicit JoinResult(std::exception_ptr error) : error_(std::move(error)) {}
  explicit JoinResult(std::in_place_t) {}
  JoinResult(JoinResult&&) = default;
  JoinResult& operator=(JoinResult&&) = default;

  bool has_value() const { return error_ == nullptr; }
  bool is_cancelled() const { return !has_value() && error_ == cancelled(); }
  // Null unless the task threw.
  std::exception_ptr exception() const {
    return is_cancelled() ? nullptr : error_;
  }

  // Rethrows the task's exception; throws TaskCancelled if it was cancelled.
  void value() && {
    if (!has_value()) std::rethrow_exception(error_);
  }
  void operator*() && {
    EDDY_CHECK(has_value(),
               "JoinResult: the task has no value: ask "
               "has_value() first, or call value()");
  }

 private:
  // The mark of all that were cancelled. Never destroyed.
  static const std::exception_ptr& cancelled() {
    static const auto& mark =
        *new std::exception_ptr(std::make_exception_ptr(TaskCancelled()));
    return mark;
  }

  std::exception_ptr error_;
};
static_assert(sizeof(JoinResult<void>) == sizeof(void*));

// Cancels a task from anywhere, and tells whether it has ended.
class AbortHandle {
 public:
  // For spawn().
  explicit AbortHandle(task::Header& task) : task_(&task) { task.retain(); }
  AbortHandle(const AbortHandle&) = default;
  AbortHandle(AbortHandle&&) = default;
  AbortHandle& operator=(const AbortHandle&) = default;
  AbortHandle& operator=(AbortHandle&&) = default;

  void abort() const { task().abort(); }
  bool is_finished() const { return task().is_complete(); }
  TaskId id() const { return task().id(); }

 private:
  task::Header& task() const {
    EDDY_CHECK(task_.get() != nullptr,
               "an AbortHandle is used after it was moved from: copy it");
    return *task_.get();
  }

  // A counted reference.
  class Ref {
   public:
    explicit Ref(task::Header* task) : task_(task) {}
    Ref(const Ref& other) : task_(other.task_) {
      if (task_ != nullptr) task_->retain();
    }
    Ref(Ref&& other) noexcept : task_(std::exchange(other.task_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
      std::swap(task_, other.task_);
      return *this;
    }
    ~Ref() {
      if (task_ != nullptr) task_->release();
    }
    task::Header* get() const { return task_; }

   private:
    task::Header* task_;
  };
  Ref task_;
};

template <class T>
class [[nodiscard]] JoinHandle {
 public:
  using Output = JoinResult<T>;
  class AbortAndWait;

  // Takes over the JOIN_INTEREST of `task` and its reference. For spawn().
  explicit JoinHandle(task::Header& task) : task_(&task) {}
  JoinHandle(JoinHandle&& other) noexcept
      : task_(std::exchange(other.task_, nullptr)) {}
  JoinHandle& operator=(JoinHandle other) noexcept {
    std::swap(task_, other.task_);
    return *this;
  }
  ~JoinHandle() {
    if (task_ != nullptr) task_->detach();
  }

  Poll<JoinResult<T>> poll(Context& cx) {
    EDDY_CHECK(task_ != nullptr, "a JoinHandle is awaited twice");
    if (!cx.has_budget()) return cx.yield();
    if (!task_->poll_join(cx.waker())) return kPending;
    cx.spend();
    auto* outcome = static_cast<JoinResult<T>*>(task_->outcome());
    Poll<JoinResult<T>> result = std::move(*outcome);
    if constexpr (std::is_nothrow_destructible_v<JoinResult<T>>) {
      std::destroy_at(outcome);
      std::exchange(task_, nullptr)->release();
    } else {
      std::exchange(task_, nullptr)->detach();
    }
    return result;
  }

  // Lets the task go on alone, as the destructor does.
  void detach() && {
    task::Header& task = this->task();
    task_ = nullptr;
    task.detach();
  }

  void abort() const { task().abort(); }
  // abort(), and then as to await the handle: a Future of JoinResult<T>, which
  // borrows the handle. When it is ready, the task's future is destroyed.
  AbortAndWait abort_and_wait() { return AbortAndWait(*this); }
  bool is_finished() const { return task().is_complete(); }
  TaskId id() const { return task().id(); }
  AbortHandle abort_handle() const { return AbortHandle(task()); }

 private:
  task::Header& task() const {
    EDDY_CHECK(task_ != nullptr, "a JoinHandle is used after it was awaited");
    return *task_;
  }

  task::Header* task_;
};

template <class T>
class [[nodiscard]] JoinHandle<T>::AbortAndWait {
 public:
  using Output = JoinResult<T>;

  explicit AbortAndWait(JoinHandle& handle) : handle_(handle) {}

  Poll<JoinResult<T>> poll(Context& cx) {
    if (!std::exchange(is_aborted_, true)) handle_.abort();
    return handle_.poll(cx);
  }

 private:
  JoinHandle& handle_;
  bool is_aborted_ = false;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_JOIN_HANDLE_H_
