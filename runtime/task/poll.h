// Poll<T>: what a future answers when it is asked how far it got: a value, or
// "not yet".
//
//   eddy::Poll<int> poll(eddy::Context& cx) {
//     if (value_) return *value_;
//     waker_ = cx.waker();
//     return eddy::kPending;
//   }
//
// T may be void (`return eddy::kReady;`), move-only, or a reference.
//
// Threads: a plain value.
// Errors:  reading the value of a pending Poll is misuse, checked in debug
//          builds.
//
// The shape is that of Rust's std::task::Poll.
#ifndef EDDY_RUNTIME_TASK_POLL_H_
#define EDDY_RUNTIME_TASK_POLL_H_

#include <optional>
#include <type_traits>
#include <utility>

#include "runtime/base/check.h"

namespace eddy {

struct Pending {
  explicit constexpr Pending(int) {}
};
struct Ready {
  explicit constexpr Ready(int) {}
};

// The answers `return eddy::kPending;` and, where T is void, `kReady`.
inline constexpr Pending kPending{0};
inline constexpr Ready kReady{0};

template <class T>
class [[nodiscard]] Poll {
 public:
  using Output = T;

  Poll(Pending) {}
  template <class U = T>
  requires(std::is_constructible_v<T, U&&> &&
           !std::is_same_v<std::remove_cvref_t<U>, Poll> &&
           !std::is_same_v<std::remove_cvref_t<U>, Pending>) Poll(U&& value)
      : value_(std::in_place, std::forward<U>(value)) {}

  bool is_ready() const { return value_.has_value(); }
  bool is_pending() const { return !value_.has_value(); }

  T& operator*() & {
    EDDY_DCHECK(is_ready(), "the value of a pending Poll");
    return *value_;
  }
  T&& operator*() && {
    EDDY_DCHECK(is_ready(), "the value of a pending Poll");
    return *std::move(value_);
  }
  T* operator->() { return &**this; }

 private:
  std::optional<T> value_;
};

template <>
class [[nodiscard]] Poll<void> {
 public:
  using Output = void;

  Poll(Pending) : ready_(false) {}
  Poll(Ready) : ready_(true) {}

  bool is_ready() const { return ready_; }
  bool is_pending() const { return !ready_; }
  void operator*() const { EDDY_DCHECK(ready_, "the value of a pending Poll"); }

 private:
  bool ready_;
};

template <class T>
class [[nodiscard]] Poll<T&> {
 public:
  using Output = T&;

  Poll(Pending) {}
  Poll(T& value) : value_(&value) {}

  bool is_ready() const { return value_ != nullptr; }
  bool is_pending() const { return value_ == nullptr; }
  T& operator*() const {
    EDDY_DCHECK(is_ready(), "the value of a pending Poll");
    return *value_;
  }
  T* operator->() const { return value_; }

 private:
  T* value_ = nullptr;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_TASK_POLL_H_
