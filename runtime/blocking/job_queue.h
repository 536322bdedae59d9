// JobQueue: the jobs that no thread has taken yet.
//
// A moodycamel::ConcurrentQueue and beside it the number of jobs in it, which
// says what that queue does not: a job that was counted can be taken, and
// whoever takes one off the count gets one. Jobs of one producer come out in
// order; those of several producers in any.
//
// Threads: any.
#ifndef EDDY_RUNTIME_BLOCKING_JOB_QUEUE_H_
#define EDDY_RUNTIME_BLOCKING_JOB_QUEUE_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>

#include "runtime/task/header.h"

namespace eddy::blocking {

class JobQueue {
 public:
  using Clock = std::chrono::steady_clock;

  JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;
  ~JobQueue();  // the queue is empty

  // False if there is no memory; the job is still the caller's.
  // `since`: comes out with it.
  [[nodiscard]] bool push(task::Header& job,
                          Clock::time_point since = {}) noexcept;
  // Null if the queue is empty.
  task::Header* pop(Clock::time_point* since = nullptr) noexcept;

  // seq_cst: [recruit] a push(), then a look for somebody who takes the job,
  // against an announcement to take jobs, then a look at the queue. See Core.
  size_t size() const { return size_.load(std::memory_order_seq_cst); }
  bool empty() const { return size() == 0; }

 private:
  struct Jobs;  // hides moodycamel's header, which no other file may see

  std::unique_ptr<Jobs> jobs_;
  std::atomic<size_t> size_{0};
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_JOB_QUEUE_H_
