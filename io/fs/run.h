// Run: one Operation until it says something else than EINTR, and then the
// record of it.
//
//   Run run(std::make_unique<StatOperation>(path), prefer);
//   const int64_t result = co_await run;
//   co_return run.operation().metadata(result);
//
// Threads, Cancel, Errors, Owner: those of reactor::Submission.
#ifndef EDDY_IO_FS_RUN_H_
#define EDDY_IO_FS_RUN_H_

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "reactor/submission.h"
#include "runtime/task/future.h"

namespace eddy::io {

template <class Op>
class [[nodiscard]] Run {
 public:
  using Output = int64_t;

  Run(std::unique_ptr<Op> operation, reactor::Prefer prefer)
      : prefer_(prefer),
        submission_(std::in_place, std::move(operation), prefer) {}
  Run(Run&&) = default;

  Poll<int64_t> poll(Context& cx) {
    for (;;) {
      Poll<int64_t> poll = submission_->poll(cx);
      if (poll.is_pending() || *poll != -EINTR) return poll;
      submission_.emplace(submission_->take(), prefer_);
    }
  }

  // Before the first poll, and when it is ready.
  Op& operation() { return submission_->operation(); }

 private:
  reactor::Prefer prefer_;
  std::optional<reactor::Submission<Op>> submission_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_RUN_H_
