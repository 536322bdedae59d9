// Job: a piece of work on files that blocks, done by a thread of the blocking
// pool; for what takes several system calls, or has no better way.
//
//   co_return co_await Job("read", [path = std::move(path)] {
//     return slurp(path);
//   });
//
// Threads: belongs to one task; the callable runs on another thread.
// Cancel:  dropped before it starts, it never runs; else it goes on to its end.
// Errors:  those of the callable, an absl::Status or StatusOr. kCancelled: the
//          runtime has shut down. kResourceExhausted: no thread, or no memory.
// Owner:   the callable, and with it all that it touches.
#ifndef EDDY_IO_FS_JOB_H_
#define EDDY_IO_FS_JOB_H_

#include <cerrno>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "runtime/base/status.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/task/future.h"
#include "runtime/task/join_handle.h"

namespace eddy::io {

template <class F>
class [[nodiscard]] Job {
 public:
  using Output = std::invoke_result_t<F>;

  // `what` is static text, for messages.
  Job(const char* what, F callable)
      : what_(what), callable_(std::move(callable)) {}
  // Waits while as many of `kind` run as may; `kind` lives for ever.
  Job(const char* what, const BlockingClass& kind, F callable)
      : what_(what), kind_(&kind), callable_(std::move(callable)) {}
  Job(Job&&) = default;  // until it is first polled
  ~Job() {
    if (handle_) handle_->abort();
  }

  Poll<Output> poll(Context& cx) {
    if (!handle_) {
      try {
        start();
      } catch (const std::bad_alloc&) {
        return Output(errno_status(ENOMEM, what_));
      }
    }
    Poll<JoinResult<Output>> poll = handle_->poll(cx);
    if (poll.is_pending()) return kPending;
    handle_.reset();
    if (poll->has_value()) return *std::move(*poll);
    if (poll->is_cancelled()) {
      return Output(errno_status(
          ECANCELED, std::string(what_) + ": the runtime has shut down"));
    }
    try {
      std::rethrow_exception(poll->exception());
    } catch (const blocking::ThreadCreationFailed& failure) {
      return Output(errno_status(failure.error(),
                                 std::string(what_) + ": start a thread"));
    } catch (const std::bad_alloc&) {
      return Output(errno_status(ENOMEM, what_));  // of the pool's queue
    }
  }

 private:
  // Nobody may be there to whom an exception could go.
  class Guarded {
   public:
    explicit Guarded(Job&& job)
        : what_(job.what_), callable_(std::move(job.callable_)) {}

    Output operator()() {
      try {
        return callable_();
      } catch (const std::bad_alloc&) {
        return Output(errno_status(ENOMEM, what_));
      }
    }

   private:
    const char* what_;
    F callable_;
  };

  void start() {
    Guarded guarded(std::move(*this));
    handle_.emplace(kind_ == nullptr
                        ? spawn_blocking(std::move(guarded))
                        : spawn_blocking(*kind_, std::move(guarded)));
  }

  const char* what_;
  const BlockingClass* kind_ = nullptr;
  F callable_;  // moved on at the first poll
  std::optional<JoinHandle<Output>> handle_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_JOB_H_
