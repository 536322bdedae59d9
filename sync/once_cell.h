// OnceCell<T>: a value that is made once, by whoever asks for it first; by a
// future, if it has to be.
//
//   eddy::sync::OnceCell<Config> config;
//
//   eddy::Task<> serve() {            // any number of these
//     const Config& c = co_await config.get_or_init(
//         []() -> eddy::Task<Config> { co_return co_await load_config(); });
//     ...
//   }
//
// The example is run: tests/sync/examples_test.cc.
//
// Of those who ask at the same time one makes the value, in its own task, and
// the others wait for it. Where the value is there, get() is one load.
//
// Threads: any. What was written before the value was set, whoever gets it
//          sees.
// Cancel:  an initialiser that is dropped, throws or fails has made nothing:
//          the next who waits runs its own.
// Errors:  an exception, or the error of get_or_try_init(), goes to the one who
//          ran the initialiser, and to nobody else. Asking for the value within
//          its own initialiser waits for ever.
// Owner:   outlives every call in progress, and owns the value. A callable is
//          kept for as long as it is needed.
#ifndef EDDY_SYNC_ONCE_CELL_H_
#define EDDY_SYNC_ONCE_CELL_H_

#include <atomic>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "runtime/task/task.h"
#include "sync/blocking_wait.h"
#include "sync/semaphore.h"

namespace eddy::sync {

template <class T>
class OnceCell {
 public:
  OnceCell() : turn_(1) {}
  explicit OnceCell(T value) : OnceCell() { keep(std::move(value)); }
  OnceCell(const OnceCell&) = delete;
  OnceCell& operator=(const OnceCell&) = delete;

  // Null until there is a value.
  T* get() {
    // [set] acquire
    return is_set_.load(std::memory_order_acquire) ? &*value_ : nullptr;
  }
  const T* get() const { return const_cast<OnceCell*>(this)->get(); }
  bool is_set() const { return get() != nullptr; }

  // False: there is a value, or one is being made; `value` is as it was.
  bool set(T&& value) {
    std::optional<Semaphore::Permit> turn = turn_.try_acquire();
    if (!turn.has_value()) return false;
    keep(std::move(value));
    return true;
  }

  // The value. `make()` gives a T, or a future of one.
  template <class F>
  Task<T&> get_or_init(F make) {
    if (T* value = get()) co_return *value;
    std::optional<Semaphore::Permit> turn = co_await turn_.acquire();
    // Without a turn there is a value: that is what closes the semaphore.
    if (!turn.has_value()) co_return *get();
    if constexpr (Future<std::invoke_result_t<F&>>) {
      auto making = make();
      keep(co_await std::move(making));
    } else {
      keep(make());
    }
    co_return *get();
  }

  // On a thread that may block; `make()` runs there.
  template <class F>
  T& blocking_get_or_init(F make) {
    return blocking_wait(get_or_init(std::move(make)),
                         "blocking_get_or_init()");
  }

  // As get_or_init(), where `make()` gives an absl::StatusOr<T>, or a future of
  // one.
  template <class F>
  Task<absl::StatusOr<T*>> get_or_try_init(F make) {
    if (T* value = get()) co_return value;
    std::optional<Semaphore::Permit> turn = co_await turn_.acquire();
    if (!turn.has_value()) co_return get();
    absl::StatusOr<T> made;
    if constexpr (Future<std::invoke_result_t<F&>>) {
      auto making = make();
      made = co_await std::move(making);
    } else {
      made = make();
    }
    if (!made.ok()) co_return made.status();
    keep(*std::move(made));
    co_return get();
  }

 private:
  // By who has the turn.
  void keep(T value) {
    value_.emplace(std::move(value));
    is_set_.store(true, std::memory_order_release);  // [set] release
    turn_.close();
  }

  Semaphore turn_;  // one permit, to make the value
  std::optional<T> value_;
  std::atomic<bool> is_set_{false};
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_ONCE_CELL_H_
