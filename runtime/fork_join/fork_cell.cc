#include "runtime/fork_join/fork_cell.h"

#include <utility>

#include "runtime/task/join_handle.h"

namespace eddy::forks {

ForkCell::ForkCell(task::Scheduler& scheduler, ForkBase& fork,
                   uint64_t branches, task::PromiseBase* frame)
    : Header(scheduler),
      stripe_(fork.stripe()),
      fork_(&fork),
      branches_(branches),
      frame_(frame),
      is_polling_(frame != nullptr),
      waker_(Waker::adopt(this)) {
  live_list = kPart;  // the fork's owner is on a list of live tasks
  scheduler.begin_part();
}

ForkCell& ForkCell::create_polling(ForkBase& fork, uint64_t branch,
                                   task::PromiseBase& frame) {
  return *new ForkCell(context::services("fork_join()").scheduler, fork, branch,
                       &frame);
}

void ForkCell::create_postponed(ForkBase& fork, uint64_t branches) {
  task::Scheduler& scheduler = context::services("fork_join()").scheduler;
  ForkCell* cell = new ForkCell(scheduler, fork, branches, nullptr);
  bool is_dropping;
  {
    base::MutexLock lock(&cell->stripe_.mutex);
    is_dropping = fork.is_dropping();
    if (is_dropping) {
      cell->fork_ = nullptr;
    } else {
      fork.link(*cell);
    }
  }
  if (is_dropping) {
    cell->detach();
    cell->finish();
    fork.finish(fork.count(branches));
  } else if (context::current().core != nullptr) {
    scheduler.reschedule(*cell);  // behind the others
  } else {
    scheduler.schedule(*cell);
  }
}

void ForkCell::leave(bool ended, bool wake_requested) noexcept {
  ForkBase& fork = *fork_;
  if (ended) {
    // Whoever called the child takes its outcome.
    fork_ = nullptr;
    detach();
    finish();
    return;
  }
  bool is_dropping;
  {
    base::MutexLock lock(&stripe_.mutex);
    is_polling_ = false;
    is_dropping = fork.is_dropping();
    if (is_dropping) {
      fork_ = nullptr;
    } else {
      fork.link(*this);
    }
  }
  if (is_dropping) {
    end_child(fork, false);
    finish();
  } else {
    suspend(wake_requested);
  }
}

bool ForkCell::poll_future(Context& cx) noexcept {
  ForkBase* fork;
  {
    base::MutexLock lock(&stripe_.mutex);
    fork = fork_;
    if (fork == nullptr) return true;  // dropped while it was queued
    if (frame_ == nullptr) {
      fork->unlink(*this);
      fork_ = nullptr;
    } else {
      is_polling_ = true;
    }
  }
  if (frame_ == nullptr) {
    detach();
    fork->run_stolen(branches_);
    return true;
  }
  const bool ended = fork->poll_child(*frame_, cx);
  if (!stop_polling(*fork, ended)) return false;
  end_child(*fork, ended);
  return true;
}

// True if there will be no further poll.
bool ForkCell::stop_polling(ForkBase& fork, bool ended) {
  base::MutexLock lock(&stripe_.mutex);
  is_polling_ = false;
  if (!ended && !fork.is_dropping()) return false;
  fork.unlink(*this);
  fork_ = nullptr;
  return true;
}

void ForkCell::end_child(ForkBase& fork, bool ended) noexcept {
  if (ended) {
    fork.end_child(branches_, *frame_);
  } else {
    fork.drop_child(branches_, *frame_);
  }
  detach();
  fork.finish(1);
}

// The runtime shuts down. If the owner is a task it will be dropped; that of a
// block_on() learns why its children have ended.
void ForkCell::cancel_future() noexcept {
  ForkBase* fork;
  {
    base::MutexLock lock(&stripe_.mutex);
    fork = std::exchange(fork_, nullptr);
    if (fork == nullptr) return;  // dropped
    fork->unlink(*this);
  }
  fork->fail(std::make_exception_ptr(TaskCancelled()));
  const int64_t children = drop_children(*fork);
  detach();
  fork->finish(children);
}

int64_t ForkCell::drop_children(ForkBase& fork) noexcept {
  if (frame_ == nullptr) return fork.count(branches_);
  fork.drop_child(branches_, *frame_);
  return 1;
}

bool ForkCell::take_fork() {
  if (is_polling_) return false;
  fork_ = nullptr;
  return true;
}

int64_t ForkCell::end_dropped(ForkBase& fork) noexcept {
  const int64_t children = drop_children(fork);
  abort_now();
  detach();
  return children;
}

}  // namespace eddy::forks
