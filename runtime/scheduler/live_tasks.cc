#include "runtime/scheduler/live_tasks.h"

#include <thread>

#include "runtime/base/check.h"

namespace eddy::scheduler {

using task::Header;

namespace {

// What unlink() leaves in a task that take() took: no list has such a node.
bool is_taken(const Header& task) { return task.live_next == &task; }
void set_taken(Header& task) { task.live_next = &task; }

}  // namespace

LiveTasks::LiveTasks(uint32_t workers)
    : workers_(workers), lists_(workers + 1) {
  EDDY_CHECK(lists_.size() < Header::kPart, "too many workers");
}

// Of a scheduler that was never closed only remnants are left.
LiveTasks::~LiveTasks() {
  for (List& list : lists_) {
    while (Header* task = list.head) {
      unlink(list, *task);
      task->release();
    }
  }
}

void LiveTasks::Use::lock(LiveTasks& live) {
  list_.mutex.lock();
  is_locked_ = true;
  is_closed_ = live.is_closed();
}

void LiveTasks::Use::unlock() { list_.mutex.unlock(); }

void LiveTasks::unlink(List& list, Header& task) {
  if (list.swept == &task) list.swept = task.live_next;
  if (task.live_prev != nullptr) {
    task.live_prev->live_next = task.live_next;
  } else {
    list.head = task.live_next;
  }
  if (task.live_next != nullptr) task.live_next->live_prev = task.live_prev;
}

// False if the list keeps its reference, or take() was given it.
bool LiveTasks::delist(Header& task, uint32_t mine) {
  List& list = lists_[task.live_list];
  if (is_workers(task.live_list) && task.live_list != mine) {
    list.remnants.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  Use use(*this, list, task.live_list);
  if (is_taken(task)) return false;
  unlink(list, task);
  return true;
}

void LiveTasks::sweep(List& list) {
  for (int i = 0; i < 2; ++i) {
    if (list.swept == nullptr) list.swept = list.head;
    Header* task = list.swept;
    list.swept = task->live_next;
    if (!task->is_complete()) continue;
    unlink(list, *task);
    list.remnants.fetch_sub(1, std::memory_order_relaxed);
    task->release();
  }
}

void LiveTasks::close() {
  closed_.store(true, std::memory_order_relaxed);
  base::heavy_fence();  // [close]
  for (List& list : lists_) {
    while (list.busy.load(std::memory_order_acquire)) {  // [owner]
      std::this_thread::yield();
    }
    base::MutexLock lock(&list.mutex);  // of those that saw it open
  }
}

Header* LiveTasks::take() {
  for (List& list : lists_) {
    base::MutexLock lock(&list.mutex);
    if (Header* task = list.head) {
      unlink(list, *task);
      set_taken(*task);
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
