// Cell<F>: a spawned task: the Header, and in one place the future F and later
// its outcome. One allocation from the frame pool, of one cache line for a
// Task<>.
//
// Threads, Owner: see header.h.
#ifndef EDDY_RUNTIME_TASK_CELL_H_
#define EDDY_RUNTIME_TASK_CELL_H_

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/task/frame_pool.h"
#include "runtime/task/future.h"
#include "runtime/task/header.h"
#include "runtime/task/join_handle.h"

namespace eddy::task {

// The name of a task that has none, and takes no room.
struct NoName {
  explicit NoName() = default;
  operator std::string_view() const { return {}; }
};

template <Future F, class Name = NoName>
class Cell final : public Header {
 public:
  using Output = OutputOf<F>;
  using Outcome = JoinResult<Output>;

  Cell(Scheduler& scheduler, F future, Name name = Name())
      : Header(scheduler), name_(std::move(name)), future_(std::move(future)) {}

  static void* operator new(std::size_t size) {
    static_assert(alignof(Cell) <= 16,
                  "an over-aligned future is spawned: "
                  "keep it behind a std::unique_ptr");
    return frame_pool::allocate_cell(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    frame_pool::deallocate_cell(memory, size);
  }

  std::string_view name() const noexcept final { return name_; }
  // What the spawner keeps beside the future.
  Name& beside() { return name_; }
  void* outcome() noexcept final { return &outcome_; }

 private:
  ~Cell() {}  // future and outcome are gone by now

  bool poll_future(Context& cx) noexcept final {
    try {
      Poll<Output> poll = future_.poll(cx);
      if (poll.is_pending()) return false;
      finish_with(std::move(poll));
    } catch (...) {
      finish_with(std::current_exception());
    }
    return true;
  }

  void cancel_future() noexcept final { finish_with(Cancelled()); }

  std::exception_ptr destroy_outcome() noexcept final {
    std::exception_ptr error = outcome_.exception();
    try {
      outcome_.~Outcome();
    } catch (...) {
      error = std::current_exception();
    }
    return error;
  }

  void destroy() noexcept final { delete this; }

  // The future dies first: its destructor may use what the outcome replaces.
  // If that, or moving the value, throws, the exception is the outcome.
  void finish_with(Poll<Output>&& value) noexcept {
    try {
      std::destroy_at(&future_);
      if constexpr (std::is_void_v<Output>) {
        std::construct_at(&outcome_, std::in_place);
      } else {
        std::construct_at(&outcome_, std::in_place, *std::move(value));
      }
    } catch (...) {
      std::construct_at(&outcome_, std::current_exception());
    }
  }
  template <class Reason>
  void finish_with(Reason reason) noexcept {
    try {
      std::destroy_at(&future_);
      std::construct_at(&outcome_, std::move(reason));
    } catch (...) {
      std::construct_at(&outcome_, std::current_exception());
    }
  }

  [[no_unique_address]] Name name_;
  union {
    F future_;
    Outcome outcome_;
  };
};

// Makes a task of a future, and starts it.
template <Future F>
JoinHandle<OutputOf<F>> launch(Scheduler& scheduler, F future) {
  Header* cell = new Cell<F>(scheduler, std::move(future));
  JoinHandle<OutputOf<F>> handle(*cell);
  cell->launch();
  return handle;
}

template <Future F>
JoinHandle<OutputOf<F>> launch_named(Scheduler& scheduler, std::string name,
                                     F future) {
  Header* cell =
      new Cell<F, std::string>(scheduler, std::move(future), std::move(name));
  JoinHandle<OutputOf<F>> handle(*cell);
  cell->launch_listed();
  return handle;
}

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_CELL_H_
