#include "runtime/scheduler/flavor.h"

#include <utility>

#include "runtime/scheduler/driver.h"

namespace eddy::scheduler {

Flavor::Flavor(Config config, Driver& driver)
    : config_(std::move(config)),
      driver_(driver),
      live_(4 * std::size_t{config_.workers}) {}

Flavor::~Flavor() {
  base::MutexLock lock(&mutex_);
  for (task::Header* task : ending_) task->release();
}

bool Flavor::admit(task::Header& task) noexcept {
  if (!live_.add(task)) return false;
  if (config_.hooks.on_task_spawn) {
    call_hook(
        config_.hooks.on_task_spawn,
        [this](std::exception_ptr e) { unhandled(std::move(e)); },
        TaskInfo{.id = task.id(), .name = task.name()});
  }
  return true;
}

bool Flavor::dismiss(task::Header& task) noexcept {
  // A task that came too late was not announced either.
  if (config_.hooks.on_task_terminate && live_.was_added(task)) {
    call_hook(
        config_.hooks.on_task_terminate,
        [this](std::exception_ptr e) { unhandled(std::move(e)); },
        TaskInfo{.id = task.id(), .name = task.name()});
  }
  return live_.remove(task);
}

void Flavor::unhandled(std::exception_ptr error) noexcept {
  if (config_.unhandled == UnhandledException::kIgnore) return;
  {
    base::MutexLock lock(&mutex_);
    if (fatal_ != nullptr) return;  // the first one counts
    fatal_ = std::move(error);
    failed_.store(true, std::memory_order_release);  // [fatal]
  }
  close();
  std::vector<Waker> wakers;
  {
    base::MutexLock lock(&mutex_);
    for (BlockOnWaker* waker : block_ons_) wakers.push_back(waker->waker());
  }
  for (const Waker& waker : wakers) waker.wake();
}

void Flavor::close() {
  live_.close();
  while (task::Header* task = live_.take()) {
    cancel(*task);
    if (task->is_complete()) {
      task->release();
      continue;
    }
    base::MutexLock lock(&mutex_);
    ending_.push_back(task);
  }
}

std::vector<StuckTask> Flavor::stuck_tasks() {
  std::vector<task::Header*> ending;
  {
    base::MutexLock lock(&mutex_);
    ending.swap(ending_);
  }
  std::vector<StuckTask> stuck;
  for (task::Header* task : ending) {
    if (!task->is_complete()) {
      stuck.push_back({task->id(), std::string(task->name())});
    }
    task->release();
  }
  return stuck;
}

Flavor::BlockOnScope::BlockOnScope(Flavor& flavor, BlockOnWaker& waker)
    : flavor_(flavor), waker_(waker) {
  base::MutexLock lock(&flavor_.mutex_);
  flavor_.block_ons_.push_back(&waker_);
}

Flavor::BlockOnScope::~BlockOnScope() {
  base::MutexLock lock(&flavor_.mutex_);
  std::erase(flavor_.block_ons_, &waker_);
}

void Flavor::rethrow_fatal() {
  if (!failed_.load(std::memory_order_acquire)) return;  // [fatal]
  std::exception_ptr error;
  {
    base::MutexLock lock(&mutex_);
    error = fatal_;
  }
  std::rethrow_exception(error);
}

bool Flavor::is_block_on_woken() const {
  base::MutexLock lock(&mutex_);
  for (const BlockOnWaker* waker : block_ons_) {
    if (waker->is_woken()) return true;
  }
  return false;
}

Metrics Flavor::metrics() const {
  Metrics metrics;
  metrics.live_tasks = live_.alive();
  add_metrics(metrics);
  return metrics;
}

}  // namespace eddy::scheduler
