// What the builder lets a user hang into the life of threads and tasks, and
// what becomes of exceptions that nobody joins.
//
// Threads: each hook is called on the thread that it tells of; on_blocked_poll
//          on one of its own.
// Errors:  an exception that leaves a hook is treated as one that leaves a task
//          which nobody joins: as the policy says. The thread goes on.
#ifndef EDDY_RUNTIME_SCHEDULER_HOOKS_H_
#define EDDY_RUNTIME_SCHEDULER_HOOKS_H_

#include <exception>
#include <functional>
#include <string_view>
#include <utility>

#include "runtime/scheduler/blocked_poll.h"
#include "runtime/task/id.h"

namespace eddy {

// What the task hooks are told.
struct TaskInfo {
  TaskId id;
  std::string_view name;  // empty if it has none; valid during the call
};

// For exceptions that leave a task which nobody joins, or a hook.
enum class UnhandledException {
  kIgnore,    // drop it
  kShutdown,  // shut the runtime down; block_on() throws it
};

namespace scheduler {

struct Hooks {
  std::function<void()> on_thread_start;
  std::function<void()> on_thread_stop;
  std::function<void()> on_thread_park;
  std::function<void()> on_thread_unpark;
  std::function<void(const TaskInfo&)> on_task_spawn;
  std::function<void(const TaskInfo&)> on_task_terminate;
  std::function<void(const BlockedPoll&)> on_blocked_poll;
};

// Calls `hook` if there is one; hands what it throws to `unhandled`.
template <class Hook, class Unhandled, class... Args>
void call_hook(const Hook& hook, Unhandled&& unhandled,
               Args&&... args) noexcept {
  if (!hook) return;
  try {
    hook(std::forward<Args>(args)...);
  } catch (...) {
    unhandled(std::current_exception());
  }
}

}  // namespace scheduler
}  // namespace eddy

#endif  // EDDY_RUNTIME_SCHEDULER_HOOKS_H_
