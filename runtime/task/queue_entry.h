// QueueEntry: a task as it lies in a moodycamel::ConcurrentQueue.
//
// The last consumer of a block hands it back to the producer without having
// acquired what the others released (Block::set_empty() is a release alone), so
// formally the next write to a place, its construction included, races with the
// last read of it. Where reads and writes are atomic this is harmless. They are
// relaxed: what orders the task's own memory is up to the queue's user.
//
// Threads: as the queue's. Owner: none.
#ifndef EDDY_RUNTIME_TASK_QUEUE_ENTRY_H_
#define EDDY_RUNTIME_TASK_QUEUE_ENTRY_H_

#include <atomic>

#include "runtime/task/header.h"

namespace eddy::task {

class QueueEntry {
 public:
  QueueEntry() : QueueEntry(nullptr) {}
  // NOLINTNEXTLINE(google-explicit-constructor): queues are filled from arrays.
  QueueEntry(Header* task) { set(task); }
  QueueEntry(QueueEntry&& other) noexcept { set(other.get()); }
  QueueEntry& operator=(QueueEntry&& other) noexcept {
    set(other.get());
    return *this;
  }

  Header* get() const {
    return std::atomic_ref(task_).load(std::memory_order_relaxed);
  }
  operator Header*() const { return get(); }

 private:
  void set(Header* task) {
    std::atomic_ref(task_).store(task, std::memory_order_relaxed);
  }

  // Not initialised before set(): that would be a write which is not atomic.
  // mutable: an atomic_ref needs what is not const.
  mutable Header* task_;
};

}  // namespace eddy::task

#endif  // EDDY_RUNTIME_TASK_QUEUE_ENTRY_H_
