// The part of MultiThread that brings cores and threads together: how a poll
// that blocks leaves its core to another thread, and how threads without a core
// come by one.
#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/multi_thread.h"
#include "runtime/scheduler/stack_sampler.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

void MultiThread::sit(context::Current& here, Worker& core) const {
  here.core = &core;
  here.forks = &core.forks();
  here.shard = core.index();
  if (watchdog() != nullptr) core.set_thread(StackSampler::let_in());
}

// Until this thread has no core any more, or, then true, one has ended.
bool MultiThread::run_cores(Worker* core) {
  context::Current& here = context::current();
  bool has_ended = false;
  while (core != nullptr) {
    sit(here, *core);
    has_ended = core->run();
    if (has_ended) {
      end_core();
      break;
    }
    // It was left by a poll, which has ended since, perhaps with another core.
    here.has_left_core = false;
    here.task = nullptr;
    core = static_cast<Worker*>(here.core);
    if (core != nullptr) continue;
    free_lane(*absences().end());
    driver().on_idle();
    core = take_free_core();
  }
  here.core = nullptr;
  here.forks = nullptr;
  here.shard = here_.shard;
  return has_ended;
}

// On a thread of the blocking pool, which was sent for a core.
void MultiThread::run_errand() noexcept {
  {
    base::MutexLock lock(&mutex_);
    --on_way_;
  }
  Worker* core = take_free_core();
  if (core == nullptr) return;
  migrations_.fetch_add(1, std::memory_order_relaxed);
  context::Current here = here_;
  here.is_polling = true;
  context::Enter enter(here);
  run_cores(core);
  release_if_over();
}

void MultiThread::leave_core() {
  context::Current& here = context::current();
  auto& core = *static_cast<Worker*>(here.core);
  if (!core.is_at_a_poll()) return;  // in a hook
  // What is kept for the next poll: the core's next thread may have lost the
  // role, and this one may stay away for long.
  if (here.polled != nullptr) here.polled->flush();
  ForkLane& next = take_lane();
  absences().begin(here.forks);
  // The poll may fork no more until it is over; what it has forked goes on.
  here.forks->postpone_all();
  bool must_send;
  {
    base::MutexLock lock(&mutex_);
    core.leave(next);
    free_cores_.push_back(&core);  // there is room for all
    must_send = on_way_ < free_cores_.size();
    if (must_send) ++on_way_;
  }
  here.core = nullptr;
  here.forks = nullptr;
  here.shard = here_.shard;
  here.polled = nullptr;
  here.has_left_core = true;
  if (!must_send || here_.services->blocking.send(*this)) return;
  {
    base::MutexLock lock(&mutex_);
    --on_way_;
  }
  // No thread can be had: blocking stops a core, as it would anywhere else.
  retake_core();
}

void MultiThread::retake_core() noexcept {
  Worker* core = take_free_core();
  if (core == nullptr) return;
  context::Current& here = context::current();
  free_lane(core->take(*absences().end(), here));
  sit(here, *core);
}

Worker* MultiThread::take_free_core() {
  base::MutexLock lock(&mutex_);
  if (free_cores_.empty()) return nullptr;
  Worker* core = free_cores_.back();
  free_cores_.pop_back();
  return core;
}

void MultiThread::end_core() {
  base::MutexLock lock(&mutex_);
  --cores_;
  ended_.notify_all();
}

ForkLane& MultiThread::take_lane() {
  base::MutexLock lock(&mutex_);
  if (free_lanes_.empty()) {
    free_lanes_.reserve(lanes_.size() + 1);
    return lanes_.emplace_back();
  }
  ForkLane* lane = free_lanes_.back();
  free_lanes_.pop_back();
  return *lane;
}

void MultiThread::free_lane(ForkLane& lane) {
  base::MutexLock lock(&mutex_);
  free_lanes_.push_back(&lane);  // there is room for all
}

}  // namespace eddy::scheduler
