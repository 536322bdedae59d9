// ClassQueue: holds back the jobs of a BlockingClass while as many as its cap
// are in the pool's queue or run. Jobs see it as their scheduler.
//
//   by          jobs inside                    then
//   ----------  -----------------------------  --------------------------------
//   schedule()  fewer than the cap: one more   the pool queues the job
//   schedule()  the cap                        it waits here
//   dismiss()   one waits: as many             that one goes to the pool
//   dismiss()   none waits: one less           -
//
// Threads: any. Owner: the pool, which outlives it.
#ifndef EDDY_RUNTIME_BLOCKING_CLASS_QUEUE_H_
#define EDDY_RUNTIME_BLOCKING_CLASS_QUEUE_H_

#include <cstddef>
#include <exception>
#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/blocking/blocking_class.h"
#include "runtime/task/header.h"

namespace eddy::blocking {

class Core;

class ClassQueue final : public task::Scheduler {
 public:
  ClassQueue(Core& core, BlockingClass kind)
      : core_(core), kind_(std::move(kind)) {}
  ClassQueue(const ClassQueue&) = delete;
  ClassQueue& operator=(const ClassQueue&) = delete;

  void schedule(task::Header& job) noexcept override;
  void reschedule(task::Header& job) noexcept override;
  bool admit(task::Header& job) noexcept override;
  bool enlist(task::Header& job) noexcept override;
  bool dismiss(task::Header& job) noexcept override;
  void unhandled(std::exception_ptr error) noexcept override;

  const BlockingClass& kind() const { return kind_; }
  std::size_t waiting() const;
  // Cancels what waits, and what comes later.
  void close() noexcept;

 private:
  void leave() noexcept;
  void pass_on(task::Header& job) noexcept;

  Core& core_;
  const BlockingClass kind_;
  mutable base::Mutex mutex_;
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::size_t inside_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  // First in, first out, through Header::live_next: jobs are in no other list.
  task::Header* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  task::Header* last_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_CLASS_QUEUE_H_
