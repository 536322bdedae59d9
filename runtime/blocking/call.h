// Call<F>: a callable as a Future that is ready at its first poll. A blocking
// job is a task of one.
//
// Threads: as any future; polled by a thread of the pool.
// Cancel:  the callable is destroyed without having run.
// Errors:  throws what the callable throws, or why the pool refused the job.
#ifndef EDDY_RUNTIME_BLOCKING_CALL_H_
#define EDDY_RUNTIME_BLOCKING_CALL_H_

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "runtime/task/future.h"
#include "runtime/task/header.h"

namespace eddy::blocking {

// What joining a job throws if the pool had no thread, and the system would not
// give it one.
class ThreadCreationFailed : public std::exception {
 public:
  explicit ThreadCreationFailed(int error) : error_(error) {}

  const char* what() const noexcept override {
    return "the blocking pool has no thread and could not start one";
  }
  int error() const { return error_; }  // an errno, such as EAGAIN

 private:
  int error_;
};

// Ends `job`, which is a Call, with an exception in place of a run: here and
// now, and its joiner is woken. The caller has its queue entry.
void refuse(task::Header& job, std::exception_ptr why) noexcept;

// Throws if this thread is in refuse().
void throw_if_refused();

template <class F>
class Call {
 public:
  using Output = std::invoke_result_t<F>;

  explicit Call(F callable) : callable_(std::move(callable)) {}

  Poll<Output> poll(Context&) {
    throw_if_refused();
    if constexpr (std::is_void_v<Output>) {
      std::invoke(std::move(callable_));
      return kReady;
    } else {
      return std::invoke(std::move(callable_));
    }
  }

 private:
  F callable_;
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_CALL_H_
