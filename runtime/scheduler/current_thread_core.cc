// The one core of CurrentThread: who holds it, and who comes while that one
// blocks.

#include <thread>

#include "runtime/base/check.h"
#include "runtime/blocking/pool.h"
#include "runtime/scheduler/current_thread.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/stack_sampler.h"

namespace eddy::scheduler {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

bool CurrentThread::try_take_core() {
  base::MutexLock lock(&mutex_);
  if (core_taken_ || returning_.load(kRelaxed) > 0) return false;
  take_core();
  return true;
}

void CurrentThread::take_core() {
  EDDY_CHECK(
      local_tasks_ == 0 || local_owner_ == std::this_thread::get_id(),
      "a current-thread runtime with tasks of spawn_local() is run, or shut "
      "down, by another thread: do it on the thread that spawned them");
  core_taken_ = true;
  holder_ = std::this_thread::get_id();
}

void CurrentThread::release_core() {
  {
    base::MutexLock lock(&mutex_);
    core_taken_ = false;
    holder_ = {};
    core_freed_.notify_all();
    for (BlockOnWaker* waker : waiting_for_core_) waker->unpark();
    if (absent_ == 0 || stand_in_sent_ || returning_.load(kRelaxed) > 0 ||
        stopping_.load(kRelaxed) > 0 || lifeline().is_deserted()) {
      return;
    }
    stand_in_sent_ = true;
  }
  if (here_.services->blocking.send(*this)) return;
  // Nobody runs tasks until one comes back.
  base::MutexLock lock(&mutex_);
  stand_in_sent_ = false;
}

// By the thread that has just taken the core; and before it lets go.
void CurrentThread::begin_watch() {
  if (watchdog() == nullptr) return;
  core_->thread.store(StackSampler::let_in(), kRelaxed);
  watchdog()->end_sleep();
}

void CurrentThread::end_watch() {
  if (watchdog() != nullptr) watchdog()->begin_sleep();
}

CoreLook CurrentThread::look_at_core(std::size_t) const noexcept {
  // One of the first two grows before each poll.
  return {.turn = core_->polls.get() + core_->main_polls.get() +
                  core_->departures.get(),
          .task = TaskId(core_->running.load(kRelaxed)),
          .is_at_a_poll = core_->is_at_a_poll(),
          .thread = core_->thread.load(kRelaxed)};
}

bool CurrentThread::holds_core() const {
  const context::Current& here = context::current();
  return here.services == here_.services && here.core == core_.get();
}

bool CurrentThread::wait_for_core(Deadline deadline) {
  {
    base::MutexLock lock(&mutex_);
    stopping_.fetch_add(1, kRelaxed);
  }
  ask_for_core();
  base::MutexLock lock(&mutex_);
  bool in_time = true;
  while (in_time && (core_taken_ || returning_.load(kRelaxed) > 0)) {
    in_time = core_freed_.wait_until(mutex_, deadline);
  }
  stopping_.fetch_sub(1, kRelaxed);
  if (in_time) take_core();
  return in_time;
}

// After returning_ or stopping_ has gone up.
void CurrentThread::ask_for_core() {
  base::full_fence();  // [wait]
  if (waiting_.load(kRelaxed)) driver().wake();
}

void CurrentThread::begin_local() {
  base::MutexLock lock(&mutex_);
  EDDY_CHECK(absent_ == 0,
             "spawn_local() while a block_in_place() lasts, which may move "
             "tasks to another thread: use spawn()");
  ++local_tasks_;
  local_owner_ = std::this_thread::get_id();
}

void CurrentThread::end_local() {
  base::MutexLock lock(&mutex_);
  --local_tasks_;
}

// --- block_in_place() --------------------------------------------------------

void CurrentThread::leave_core() {
  if (!core_->is_at_a_poll()) return;  // in a hook
  context::Current& here = context::current();
  absences().begin(nullptr);
  // Ours find nothing to pop afterwards, and those of others are gone when we
  // come back: so one lane will do.
  core_->forks.postpone_all();
  {
    base::MutexLock lock(&mutex_);
    EDDY_CHECK(local_tasks_ == 0,
               "block_in_place() while tasks of spawn_local() are alive, which "
               "can't go on on another thread: use spawn_blocking()");
    ++absent_;
  }
  core_->at_main.store(false, kRelaxed);
  core_->running.store(0, kRelaxed);
  core_->departures.add();
  here.core = nullptr;
  here.forks = nullptr;
  here.shard = here_.shard;
  driver().flush();  // what is kept for the next poll, which may be far
  here.polled = nullptr;
  end_watch();
  release_core();
}

void CurrentThread::retake_core() noexcept {
  {
    base::MutexLock lock(&mutex_);
    returning_.fetch_add(1, kRelaxed);
  }
  ask_for_core();
  {
    base::MutexLock lock(&mutex_);
    while (core_taken_) core_freed_.wait(mutex_);
    returning_.fetch_sub(1, kRelaxed);
    --absent_;
    take_core();
  }
  (void)absences().end();
  context::Current& here = context::current();
  here.core = core_.get();
  here.forks = &core_->forks;
  here.shard = 0;
  here.polled = &here.services->reactor;
  begin_watch();
  if (here.task == nullptr) {
    core_->at_main.store(true, kRelaxed);
  } else {
    core_->running.store(here.task->id().value(), kRelaxed);
  }
}

// A shutdown wants the core, or has gone on without what our polls kept.
bool CurrentThread::is_stand_in_over() const {
  return stopping_.load(kRelaxed) > 0 || lifeline().is_deserted();
}

bool CurrentThread::try_stand_in() {
  base::MutexLock lock(&mutex_);
  stand_in_sent_ = false;
  if (absent_ == 0 || core_taken_ || returning_.load(kRelaxed) > 0 ||
      stopping_.load(kRelaxed) > 0 || lifeline().is_deserted()) {
    return false;
  }
  take_core();
  return true;
}

}  // namespace eddy::scheduler
