#include "runtime/blocking/job_queue.h"

#include <concurrentqueue/concurrentqueue.h>

#include "runtime/base/check.h"
#include "runtime/task/queue_entry.h"

namespace eddy::blocking {
struct JobQueue::Jobs {
  moodycamel::ConcurrentQueue<task::QueueEntry> queue;
};

JobQueue::JobQueue() : jobs_(std::make_unique<Jobs>()) {}

JobQueue::~JobQueue() {
  EDDY_DCHECK(empty(), "jobs are left in the queue of a blocking pool");
}

bool JobQueue::push(task::Header& job) noexcept {
  if (!jobs_->queue.enqueue(task::QueueEntry(&job))) return false;
  // seq_cst: [recruit]; [job] release
  size_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

task::Header* JobQueue::pop() noexcept {
  size_t size = this->size();
  do {
    if (size == 0) return nullptr;
    // [job] acquire: every change of the count is a read-modify-write, so this
    // one sees the job of each push() that was counted. seq_cst: [recruit]
  } while (
      !size_.compare_exchange_weak(size, size - 1, std::memory_order_seq_cst));
  task::QueueEntry item;
  // One is there for us. It may be hidden for the moment in which another
  // consumer finds out that it was too many.
  while (!jobs_->queue.try_dequeue(item)) {
  }
  return item.get();
}

}  // namespace eddy::blocking
