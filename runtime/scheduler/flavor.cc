#include "runtime/scheduler/flavor.h"

#include <algorithm>
#include <utility>

#include "runtime/scheduler/driver.h"

namespace eddy::scheduler {

Flavor::Flavor(Config config, Driver& driver)
    : config_(std::move(config)), driver_(driver), live_(config_.cores()) {
  if (config_.blocking_threshold == std::chrono::nanoseconds::zero()) return;
  watchdog_ = std::make_unique<Watchdog>(
      static_cast<const Watchdog::Cores&>(*this),
      Watchdog::Options{.threshold = config_.blocking_threshold,
                        .cores = config_.cores(),
                        .report = config_.hooks.on_blocked_poll,
                        .unhandled = [this](std::exception_ptr error) {
                          unhandled(std::move(error));
                        }});
}

Flavor::~Flavor() {
  base::MutexLock lock(&mutex_);
  for (task::Header* task : ending_) task->release();
}

absl::Status Flavor::start_watching(std::shared_ptr<const void> keep) {
  if (watchdog_ == nullptr) return absl::OkStatus();
  return watchdog_->start(std::move(keep));
}

void Flavor::stop_watching(Deadline deadline) {
  if (watchdog_ != nullptr) watchdog_->stop(deadline);
}

uint32_t Flavor::live_list(const context::Current& here) const {
  const bool ours =
      here.services != nullptr && &here.services->scheduler == this;
  return ours ? here.shard : config_.cores();
}

bool Flavor::admit(task::Header& task) noexcept {
  if (!live_.admit(live_list(context::current()))) [[unlikely]]
    return false;
  if (announces_spawns()) [[unlikely]]
    announce(config_.hooks.on_task_spawn, task);
  return true;
}

bool Flavor::enlist(task::Header& task) noexcept {
  return live_.enlist(task, live_list(context::current()));
}

bool Flavor::dismiss(task::Header& task) noexcept {
  if (announces_ends()) [[unlikely]]
    announce(config_.hooks.on_task_terminate, task);
  context::Current& here = context::current();
  // Its turn is over: what it wakes now is who waits for its end.
  if (here.task == &task) here.task = nullptr;
  return live_.dismiss(task, live_list(here));
}

void Flavor::begin_part() noexcept {
  live_.begin_part(live_list(context::current()));
}

void Flavor::end_part(task::Header& part) noexcept {
  context::Current& here = context::current();
  // As dismiss(): soon it may be gone, and the watchdog looks here.
  if (here.task == &part) here.task = nullptr;
  live_.end_part(live_list(here));
}

void Flavor::announce(const std::function<void(const TaskInfo&)>& hook,
                      task::Header& task) noexcept {
  call_hook(
      hook, [this](std::exception_ptr e) { unhandled(std::move(e)); },
      TaskInfo{.id = task.id(), .name = task.name()});
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
    // Queued, and not ended here and now: its end waits for the polls of its
    // forks' children, of which one may be what calls us, or be stuck. And the
    // future may be bound to the thread of a current-thread runtime.
    task->abort();
    if (task->is_complete()) {
      task->release();
      continue;
    }
    base::MutexLock lock(&mutex_);
    ending_.push_back(task);
  }
}

std::vector<StuckTask> Flavor::stuck_tasks(const std::vector<TaskId>& running) {
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
  const auto add = [&stuck](StuckTask task) -> StuckTask& {
    for (StuckTask& known : stuck) {
      if (known.id == task.id) return known;
    }
    return stuck.emplace_back(std::move(task));
  };
  for (TaskId id : running) add({id});
  const Deadline now = std::chrono::steady_clock::now();
  for (const Absences::Absence& absence : absences_.list()) {
    if (absence.task == TaskId()) continue;
    add({absence.task, absence.name}).in_place = now - absence.since;
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
  if (watchdog_ != nullptr) metrics.blocked_polls = watchdog_->blocked_polls();
  add_metrics(metrics);
  return metrics;
}

}  // namespace eddy::scheduler
