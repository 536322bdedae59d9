#include "runtime/scheduler/absences.h"

#include <algorithm>
#include <iterator>
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
  // The innermost, which began last.
  const auto it =
      std::find_if(absences_.rbegin(), absences_.rend(),
                   [&](const Absence& other) { return other.thread == here; });
  lane = it->lane;
  absences_.erase(std::next(it).base());
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
  const context::Current* here = &context::current();
  base::MutexLock lock(&mutex_);
  const auto own =
      std::count_if(absences_.begin(), absences_.end(),
                    [&](const Absence& a) { return a.thread == here; });
  while (absences_.size() > static_cast<std::size_t>(own)) {
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
