#include "runtime/blocking/job_queue.h"

#include <concurrentqueue/concurrentqueue.h>

#include "runtime/base/check.h"

namespace eddy::blocking {
namespace {

// What lies in the queue. The last consumer of a block hands it back to the
// producer without having acquired what the others released
// (Block::set_empty() is a release alone), so formally the next write to a
// place races with the last read of it. Where reads and writes are atomic this
// is harmless; they are relaxed, since the count has the order.
class Item {
 public:
  Item() = default;
  explicit Item(task::Header& job) : job_(&job) {}
  Item(Item&& other) noexcept : job_(other.get()) {}
  Item& operator=(Item&& other) noexcept {
    job_.store(other.get(), std::memory_order_relaxed);
    return *this;
  }

  task::Header* get() const { return job_.load(std::memory_order_relaxed); }

 private:
  std::atomic<task::Header*> job_{nullptr};
};

}  // namespace

struct JobQueue::Jobs {
  moodycamel::ConcurrentQueue<Item> queue;
};

JobQueue::JobQueue() : jobs_(std::make_unique<Jobs>()) {}

JobQueue::~JobQueue() {
  EDDY_DCHECK(empty(), "jobs are left in the queue of a blocking pool");
}

bool JobQueue::push(task::Header& job) noexcept {
  if (!jobs_->queue.enqueue(Item(job))) return false;
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
  Item item;
  // One is there for us. It may be hidden for the moment in which another
  // consumer finds out that it was too many.
  while (!jobs_->queue.try_dequeue(item)) {
  }
  return item.get();
}

}  // namespace eddy::blocking
