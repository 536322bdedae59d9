#include "runtime/scheduler/live_tasks.h"

#include <bit>
#include <utility>

#include "runtime/task/header.h"

namespace eddy::scheduler {

using Listing = task::Header::Listing;

LiveTasks::LiveTasks(std::size_t shards) : shards_(std::bit_ceil(shards)) {}

LiveTasks::Shard& LiveTasks::shard_of(const task::Header& task) {
  return shards_[task.id().value() & (shards_.size() - 1)];
}

const LiveTasks::Shard& LiveTasks::shard_of(const task::Header& task) const {
  return shards_[task.id().value() & (shards_.size() - 1)];
}

bool LiveTasks::add(task::Header& task) {
  Shard& shard = shard_of(task);
  base::MutexLock lock(&shard.mutex);
  if (shard.closed) return false;
  task.live_next = shard.head;
  if (shard.head != nullptr) shard.head->live_prev = &task;
  shard.head = &task;
  task.listing = Listing::kListed;
  ++shard.alive;
  return true;
}

void LiveTasks::unlink(Shard& shard, task::Header& task) {
  if (task.live_prev != nullptr) {
    task.live_prev->live_next = task.live_next;
  } else {
    shard.head = task.live_next;
  }
  if (task.live_next != nullptr) task.live_next->live_prev = task.live_prev;
  task.live_next = task.live_prev = nullptr;
}

bool LiveTasks::remove(task::Header& task) {
  Shard& shard = shard_of(task);
  base::MutexLock lock(&shard.mutex);
  const Listing before = std::exchange(task.listing, Listing::kDismissed);
  if (before == Listing::kListed) unlink(shard, task);
  if (before != Listing::kNever) --shard.alive;
  return before == Listing::kListed;
}

bool LiveTasks::was_added(const task::Header& task) const {
  const Shard& shard = shard_of(task);
  base::MutexLock lock(&shard.mutex);
  return task.listing != Listing::kNever;
}

void LiveTasks::close() {
  for (Shard& shard : shards_) {
    base::MutexLock lock(&shard.mutex);
    shard.closed = true;
  }
}

task::Header* LiveTasks::take() {
  for (Shard& shard : shards_) {
    base::MutexLock lock(&shard.mutex);
    if (task::Header* task = shard.head) {
      unlink(shard, *task);
      task->listing = Listing::kTaken;
      return task;
    }
  }
  return nullptr;
}

std::size_t LiveTasks::alive() const {
  std::size_t alive = 0;
  for (const Shard& shard : shards_) {
    base::MutexLock lock(&shard.mutex);
    alive += shard.alive;
  }
  return alive;
}

}  // namespace eddy::scheduler
