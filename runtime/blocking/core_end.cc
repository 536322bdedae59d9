// The part of Core that ends it: what waits is cancelled, what runs is waited
// for, and named if it does not end.
#include <utility>

#include "runtime/blocking/core.h"

namespace eddy::blocking {
namespace {

constexpr auto kSeqCst = std::memory_order_seq_cst;

}  // namespace

std::vector<StuckJob> Core::shutdown(Clock::time_point deadline) {
  close();
  close_classes();
  cancel_queued();
  places_.close();
  std::vector<StuckJob> stuck;
  base::Thread last;
  std::shared_ptr<const void> keep;
  {
    base::MutexLock lock(&mu_);
    while (!is_quiet() && thread_ended_.wait_until(mu_, deadline)) {
    }
    if (threads_ > 0) {
      abandoned_ = true;
      stuck = stuck_jobs();
    }
    if (is_over()) keep = std::move(keep_);
    last = std::move(last_ended_);
  }
  if (last.joinable()) last.join();
  return stuck;
}

// Waits for the threads that are lent, too.
void Core::join(Clock::time_point deadline) {
  base::Thread last;
  {
    base::MutexLock lock(&mu_);
    const size_t own = seat().core == this ? 1 : 0;
    while (threads_ + lent_ > own) {
      if (!thread_ended_.wait_until(mu_, deadline)) break;
    }
    if (threads_ + lent_ > 0) abandoned_ = true;
    last = std::move(last_ended_);
  }
  if (last.joinable()) last.join();
}

void Core::close() {
  base::MutexLock lock(&mu_);
  closed_.store(true, kSeqCst);  // [close]
  for (Slot* slot = idle_; slot != nullptr; slot = slot->below) {
    slot->called.store(true, std::memory_order_release);  // [linger]
    slot->changed.notify_one();
  }
}

void Core::cancel_queued() noexcept {
  while (task::Header* job = queue_.pop()) cancel(*job);
}

void Core::cancel(task::Header& job) noexcept {
  places_.give();
  job.abort();
  job.run();
  settle();
}

// After the pool itself, which cancels what they pass on meanwhile.
void Core::close_classes() {
  std::vector<ClassQueue*> classes;
  {
    base::MutexLock lock(&mu_);
    for (const auto& [kind, queue] : classes_) classes.push_back(queue.get());
  }
  for (ClassQueue* queue : classes) queue->close();
}

// But for the thread that asks, if it is one of the pool's.
bool Core::is_quiet() const {
  return threads_ == (seat().core == this && !seat().is_lent ? 1 : 0);
}

std::vector<StuckJob> Core::stuck_jobs() {
  const Clock::time_point now = Clock::now();
  std::vector<StuckJob> stuck;
  for (Slot& slot : slots_) {
    if (&slot == seat().slot) continue;  // who asks is not stuck
    base::MutexLock lock(&slot.job_mutex);
    if (slot.job == nullptr) continue;
    stuck.push_back({.id = slot.job->id(),
                     .name = std::string(slot.job->name()),
                     .thread_name = slot.name,
                     .running_time = now - slot.job_start});
  }
  return stuck;
}

}  // namespace eddy::blocking
