#include "runtime/scheduler/live_tasks.h"

namespace eddy::scheduler {

using task::Header;

LiveTasks::LiveTasks(uint32_t workers) : lists_(workers + 1) {}

bool LiveTasks::enlist(Header& task, uint32_t mine) {
  List& list = lists_[mine];
  base::MutexLock lock(&list.mutex);
  if (is_closed()) return false;  // [close]
  task.live_list = mine;
  task.live_next = list.head;
  if (list.head != nullptr) list.head->live_prev = &task;
  list.head = &task;
  return true;
}

// False after take().
bool LiveTasks::delist(Header& task) {
  List& list = lists_[task.live_list];
  base::MutexLock lock(&list.mutex);
  if (task.live_taken) return false;
  unlink(list, task);
  return true;
}

void LiveTasks::unlink(List& list, Header& task) {
  if (task.live_prev != nullptr) {
    task.live_prev->live_next = task.live_next;
  } else {
    list.head = task.live_next;
  }
  if (task.live_next != nullptr) task.live_next->live_prev = task.live_prev;
}

void LiveTasks::close() {
  closed_.store(true, std::memory_order_relaxed);
  for (List& list : lists_) base::MutexLock lock(&list.mutex);  // [close]
}

Header* LiveTasks::take() {
  for (List& list : lists_) {
    base::MutexLock lock(&list.mutex);
    if (Header* task = list.head) {
      unlink(list, *task);
      task->live_taken = true;
      return task;
    }
  }
  return nullptr;
}

std::size_t LiveTasks::alive() const {
  uint64_t ended = 0, admitted = 0;
  for (const List& list : lists_) {
    ended += list.ended.load(std::memory_order_acquire);  // [ended]
  }
  for (const List& list : lists_) {
    admitted += list.admitted.load(std::memory_order_acquire);
  }
  return admitted - ended;
}

}  // namespace eddy::scheduler
