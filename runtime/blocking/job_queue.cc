#include "runtime/blocking/job_queue.h"

#include <concurrentqueue/concurrentqueue.h>

#include <cstdint>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/queue_entry.h"

namespace eddy::blocking {
namespace {

// A job, and since when it is here; atomic for the reason that QueueEntry has.
class Entry {
 public:
  Entry() : Entry(nullptr, 0) {}
  Entry(task::Header* job, int64_t since) : job_(job) { set_since(since); }
  Entry(Entry&& other) noexcept : job_(std::move(other.job_)) {
    set_since(other.since());
  }
  Entry& operator=(Entry&& other) noexcept {
    job_ = std::move(other.job_);
    set_since(other.since());
    return *this;
  }

  task::Header* job() const { return job_.get(); }
  int64_t since() const {
    return std::atomic_ref(since_).load(std::memory_order_relaxed);
  }

 private:
  void set_since(int64_t since) {
    std::atomic_ref(since_).store(since, std::memory_order_relaxed);
  }

  task::QueueEntry job_;
  mutable int64_t since_;
};

}  // namespace

struct JobQueue::Jobs {
  moodycamel::ConcurrentQueue<Entry> queue;
};

JobQueue::JobQueue() : jobs_(std::make_unique<Jobs>()) {}

JobQueue::~JobQueue() {
  EDDY_DCHECK(empty(), "jobs are left in the queue of a blocking pool");
}

bool JobQueue::push(task::Header& job, Clock::time_point since) noexcept {
  const int64_t ticks = since.time_since_epoch().count();
  if (!jobs_->queue.enqueue(Entry(&job, ticks))) return false;
  // seq_cst: [recruit]; [job] release
  size_.fetch_add(1, std::memory_order_seq_cst);
  return true;
}

task::Header* JobQueue::pop(Clock::time_point* since) noexcept {
  size_t size = this->size();
  do {
    if (size == 0) return nullptr;
    // [job] acquire: every change of the count is a read-modify-write, so this
    // one sees the job of each push() that was counted. seq_cst: [recruit]
  } while (
      !size_.compare_exchange_weak(size, size - 1, std::memory_order_seq_cst));
  Entry item;
  // One is there for us. It may be hidden for the moment in which another
  // consumer finds out that it was too many.
  while (!jobs_->queue.try_dequeue(item)) {
  }
  if (since != nullptr) {
    *since = Clock::time_point(Clock::duration(item.since()));
  }
  return item.job();
}

}  // namespace eddy::blocking
