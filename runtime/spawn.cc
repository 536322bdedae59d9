#include "runtime/spawn.h"

#include "runtime/task/header.h"

namespace eddy::this_task {

TaskId id() {
  const task::Header* task = context::current().task;
  return task != nullptr ? task->id() : TaskId();
}

}  // namespace eddy::this_task
