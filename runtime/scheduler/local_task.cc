#include "runtime/scheduler/local_task.h"

#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/current_thread.h"

namespace eddy::scheduler {

LocalTie::LocalTie()
    : scheduler_(dynamic_cast<CurrentThread*>(
          &context::services("spawn_local()").scheduler)) {
  EDDY_CHECK(scheduler_ != nullptr,
             "spawn_local() in a multi-thread runtime: use spawn(), or "
             "Builder::current_thread()");
  EDDY_CHECK(scheduler_->holds_core(),
             "spawn_local() beside the thread that runs the runtime: call it "
             "inside that thread's block_on()");
  scheduler_->begin_local();
}

LocalTie::~LocalTie() {
  if (scheduler_ != nullptr) scheduler_->end_local();
}

}  // namespace eddy::scheduler
