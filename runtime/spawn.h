// spawn(): starts a task on the runtime around the caller.
//
//   eddy::JoinHandle<int> handle = eddy::spawn(answer());
//   eddy::spawn([socket = std::move(socket)]() mutable -> eddy::Task<> {
//     co_await eddy::io::write_all(socket, "hello\n");
//   });
//
// It takes a Future by value, or a callable that makes one and is kept as long
// as it: a lambda that is a coroutine may capture.
//
// Threads: spawn(): from inside a runtime: a task, a blocking job, block_on(),
//          or after Handle::enter(). spawn_local(): on the thread that runs a
//          current-thread runtime.
// Cancel, Errors, Owner: see JoinHandle.
#ifndef EDDY_RUNTIME_SPAWN_H_
#define EDDY_RUNTIME_SPAWN_H_

#include <string>
#include <utility>

#include "runtime/context/current.h"
#include "runtime/scheduler/local_task.h"
#include "runtime/task/callable.h"
#include "runtime/task/cell.h"
#include "runtime/task/id.h"

namespace eddy {

template <task::Spawnable S>
auto spawn(S&& future) {
  return task::launch(context::services("spawn()").scheduler,
                      task::into_future(std::forward<S>(future)));
}

// With a name, by which it is reported if it is stuck at shutdown.
template <task::Spawnable S>
auto spawn_named(std::string name, S&& future) {
  return task::launch_named(context::services("spawn_named()").scheduler,
                            std::move(name),
                            task::into_future(std::forward<S>(future)));
}

// A task that is polled, and destroyed, on this thread alone: it may use what
// is not safe for threads. Misuse outside of a current-thread runtime, and
// while such tasks live no other thread can run the runtime, or shut it down.
template <task::Spawnable S>
auto spawn_local(S&& spawnable) {
  auto future = task::into_future(std::forward<S>(spawnable));
  using Local = scheduler::LocalTask<decltype(future)>;
  task::Scheduler& scheduler = context::services("spawn_local()").scheduler;
  return task::launch(scheduler, Local(std::move(future)));
}

namespace this_task {

// Of the task that the caller runs in; no task's outside of one.
TaskId id();

}  // namespace this_task
}  // namespace eddy

#endif  // EDDY_RUNTIME_SPAWN_H_
