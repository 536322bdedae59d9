#include "runtime/blocking/class_queue.h"

#include <utility>

#include "runtime/blocking/core.h"

namespace eddy::blocking {
namespace {

// Jobs that this thread has yet to pass on. One that can't run ends inside of
// schedule(), and lets the next one in: not recursively, since there may be any
// number of them.
struct Passing {
  bool is_active = false;
  task::Header* next = nullptr;
};
thread_local constinit Passing passing;

}  // namespace

bool ClassQueue::admit(task::Header& job) noexcept { return core_.admit(job); }

bool ClassQueue::enlist(task::Header&) noexcept { return true; }

void ClassQueue::unhandled(std::exception_ptr error) noexcept {
  core_.unhandled(std::move(error));
}

// A job is ready at its first poll, so it never asks for another.
void ClassQueue::reschedule(task::Header& job) noexcept { schedule(job); }

void ClassQueue::schedule(task::Header& job) noexcept {
  bool is_closed;
  {
    base::MutexLock lock(&mutex_);
    is_closed = is_closed_;
    if (!is_closed && inside_ == kind_.cap()) {
      job.live_next = nullptr;
      (last_ != nullptr ? last_->live_next : first_) = &job;
      last_ = &job;
      ++waiting_;
      return;
    }
    ++inside_;
  }
  if (is_closed) {
    core_.cancel(job);
  } else {
    core_.schedule(job);
  }
}

bool ClassQueue::dismiss(task::Header& job) noexcept {
  const bool is_mine = core_.dismiss(job);
  leave();
  return is_mine;
}

// A job has run, or will not.
void ClassQueue::leave() noexcept {
  task::Header* next;
  {
    base::MutexLock lock(&mutex_);
    next = first_;
    if (next == nullptr) {
      --inside_;
      return;
    }
    first_ = std::exchange(next->live_next, nullptr);
    if (first_ == nullptr) last_ = nullptr;
    --waiting_;
  }
  pass_on(*next);
}

void ClassQueue::pass_on(task::Header& job) noexcept {
  job.live_next = std::exchange(passing.next, &job);
  if (std::exchange(passing.is_active, true)) return;
  while (task::Header* next = passing.next) {
    passing.next = std::exchange(next->live_next, nullptr);
    static_cast<ClassQueue&>(next->scheduler()).core_.schedule(*next);
  }
  passing.is_active = false;
}

std::size_t ClassQueue::waiting() const {
  base::MutexLock lock(&mutex_);
  return waiting_;
}

void ClassQueue::close() noexcept {
  task::Header* next;
  {
    base::MutexLock lock(&mutex_);
    is_closed_ = true;
    next = std::exchange(first_, nullptr);
    last_ = nullptr;
    inside_ += std::exchange(waiting_, 0);  // they leave as the others do
  }
  while (next != nullptr) {
    task::Header& job = *next;
    next = std::exchange(job.live_next, nullptr);
    core_.cancel(job);
  }
}

}  // namespace eddy::blocking
