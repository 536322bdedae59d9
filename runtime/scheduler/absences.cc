#include "runtime/scheduler/absences.h"

#include <algorithm>
#include <utility>

#include "runtime/task/header.h"

namespace eddy::scheduler {

void Absences::begin(ForkLane* lane) {
  const context::Current& here = context::current();
  Absence absence = {.thread = &here,
                     .task = TaskId(),
                     .name = {},
                     .since = Clock::now(),
                     .lane = lane};
  if (here.task != nullptr) {
    absence.task = here.task->id();
    absence.name = here.task->name();
  }
  base::MutexLock lock(&mutex_);
  absences_.push_back(std::move(absence));
  count_.store(absences_.size(), std::memory_order_release);
}

ForkLane* Absences::end() noexcept {
  const context::Current* here = &context::current();
  ForkLane* lane = nullptr;
  base::MutexLock lock(&mutex_);
  const auto it =
      std::find_if(absences_.begin(), absences_.end(),
                   [&](const Absence& other) { return other.thread == here; });
  lane = it->lane;
  *it = std::move(absences_.back());
  absences_.pop_back();
  count_.store(absences_.size(), std::memory_order_release);
  ended_.notify_all();
  return lane;
}

bool Absences::is_absent() const {
  if (count() == 0) return false;
  const context::Current* here = &context::current();
  base::MutexLock lock(&mutex_);
  return std::any_of(
      absences_.begin(), absences_.end(),
      [&](const Absence& other) { return other.thread == here; });
}

bool Absences::wait_for_all(Clock::time_point deadline) {
  const std::size_t own = is_absent() ? 1 : 0;
  base::MutexLock lock(&mutex_);
  while (absences_.size() > own) {
    if (!ended_.wait_until(mutex_, deadline)) return false;
  }
  return true;
}

std::vector<Absences::Absence> Absences::list() const {
  std::vector<Absence> others;
  {
    base::MutexLock lock(&mutex_);
    others = absences_;
  }
  const context::Current* here = &context::current();
  std::erase_if(others,
                [&](const Absence& absence) { return absence.thread == here; });
  return others;
}

}  // namespace eddy::scheduler
