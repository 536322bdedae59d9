// Lazy<T>: a value that is made when it is asked for the first time.
//
//   eddy::sync::Lazy config([]() -> eddy::Task<Config> {
//     co_return co_await load_config();
//   });
//
//   const Config& c = co_await config.get();  // in any number of tasks
//
// The example is run: tests/sync/examples_test.cc.
//
// It is a OnceCell that knows its initialiser, which makes a T, or a future of
// one; see there for what happens when that is dropped or throws.
//
// Threads: any.
// Cancel:  as OnceCell.
// Errors:  as OnceCell.
// Owner:   outlives every get() in progress; owns value and initialiser.
#ifndef EDDY_SYNC_LAZY_H_
#define EDDY_SYNC_LAZY_H_

#include <functional>
#include <type_traits>
#include <utility>

#include "runtime/task/future.h"
#include "runtime/task/task.h"
#include "sync/blocking_wait.h"
#include "sync/once_cell.h"

namespace eddy::sync {

template <class F>
struct LazyValueOf {
  using Type = std::invoke_result_t<F&>;
};
template <class F>
  requires Future<std::invoke_result_t<F&>>
struct LazyValueOf<F> {
  using Type = OutputOf<std::invoke_result_t<F&>>;
};

template <class T, class F>
class Lazy {
 public:
  explicit Lazy(F make) : make_(std::move(make)) {}
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  Task<T&> get() { return cell_.get_or_init(std::ref(make_)); }
  // On a thread that may block.
  T& blocking_get() { return blocking_wait(get(), "blocking_get()"); }
  // Null until it was made.
  T* get_if_made() { return cell_.get(); }

 private:
  F make_;  // one call at a time
  OnceCell<T> cell_;
};

template <class F>
Lazy(F) -> Lazy<typename LazyValueOf<F>::Type, F>;

}  // namespace eddy::sync

#endif  // EDDY_SYNC_LAZY_H_
