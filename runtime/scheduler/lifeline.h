// Lifeline: keeps a scheduler alive for those who queue a task from threads
// that a shutdown does not wait for, and who may hold nothing but a Waker.
//
//   enter();  queue the task;  fence;  is_deserted()?  leave();
//
// A scheduler is deserted once nobody looks at its queue any more: then whoever
// queues a task drops what is in the queue. It ends, that is cut() is called,
// when it is deserted, no thread runs it, no task is alive and calls_over().
//
// [desert] desert() stores, fences (heavy) and looks at the queue; who queues a
//          task does so, fences (light) and loads: one sees the other.
// [remote] calls_over() sees all that was done before leave().
//
// Threads: any.
// Owner:   the scheduler, of which it holds what keeps it alive.
#ifndef EDDY_RUNTIME_SCHEDULER_LIFELINE_H_
#define EDDY_RUNTIME_SCHEDULER_LIFELINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/mutex.h"

namespace eddy::scheduler {

class Lifeline {
 public:
  using Keep = std::shared_ptr<const void>;

  Lifeline() = default;
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  void tie(Keep keep) {
    base::MutexLock lock(&mutex_);
    keep_.swap(keep);
  }

  // Around each call. relaxed: the task is alive until it is queued, and so is
  // the scheduler; the queue publishes the count to whoever ends the task.
  void enter() { entered_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { left_.fetch_add(1, std::memory_order_release); }  // [remote]
  bool calls_over() const {
    // [remote] acquire: left first, so that a call counts as in progress when
    // in doubt.
    const uint64_t left = left_.load(std::memory_order_acquire);
    return left == entered_.load(std::memory_order_acquire);
  }
  uint64_t calls() const { return entered_.load(std::memory_order_relaxed); }

  void desert() {
    deserted_.store(true, std::memory_order_relaxed);
    base::heavy_fence();  // [desert]
  }
  // After a light_fence(). relaxed: it carries no data.
  bool is_deserted() const { return deserted_.load(std::memory_order_relaxed); }

  // For a call that goes on after its leave().
  Keep hold() {
    base::MutexLock lock(&mutex_);
    return keep_;
  }
  // The caller drops the result as the last thing that it does.
  [[nodiscard]] Keep cut() {
    base::MutexLock lock(&mutex_);
    return std::move(keep_);
  }

 private:
  std::atomic<uint64_t> entered_{0};
  std::atomic<uint64_t> left_{0};
  std::atomic<bool> deserted_{false};
  base::Mutex mutex_;
  Keep keep_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LIFELINE_H_
