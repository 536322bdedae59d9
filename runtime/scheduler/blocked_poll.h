// BlockedPoll: what a runtime tells about a poll that lasts longer than
// Builder::blocking_threshold().
//
// Threads: a plain value.
#ifndef EDDY_RUNTIME_SCHEDULER_BLOCKED_POLL_H_
#define EDDY_RUNTIME_SCHEDULER_BLOCKED_POLL_H_

#include <chrono>
#include <string>
#include <vector>

#include "runtime/task/id.h"

namespace eddy {

struct BlockedPoll {
  // None: the future of a block_on(), or children of a fork_join() that this
  // worker took from another.
  TaskId task;
  std::string task_name;  // empty if it has none
  std::string thread_name;
  // Until now; it goes on.
  std::chrono::nanoseconds duration{0};
  // Functions, the innermost first, where the poll is just now; empty if the
  // thread does not answer, as one that is stuck in the kernel.
  std::vector<std::string> backtrace;

  // In some lines, for a log.
  std::string message() const;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_SCHEDULER_BLOCKED_POLL_H_
