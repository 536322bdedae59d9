// BlockOnWaker: wakes a thread that waits in block_on().
//
// On the heap and counted, since wakers may outlive the block_on(): a wake that
// comes later finds nobody.
//
// The thread sleeps in park(), or, if it holds the core of a current-thread
// scheduler, in the driver: then a wake ends that sleep.
//
// Threads: any; park(), take() and set_driver() by the thread that waits.
#ifndef EDDY_RUNTIME_SCHEDULER_BLOCK_ON_WAKER_H_
#define EDDY_RUNTIME_SCHEDULER_BLOCK_ON_WAKER_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/mutex.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/parker.h"
#include "runtime/task/waker.h"

namespace eddy::scheduler {

class BlockOnWaker final : public Wakeable {
 public:
  // With one reference, for the caller; starts as woken.
  static BlockOnWaker* create() { return new BlockOnWaker; }

  Waker waker() {
    retain();
    return Waker::adopt(this);
  }

  // True if there was a wake since the last take().
  bool take() {
    return woken_.exchange(false, std::memory_order_acq_rel);  // [main] acquire
  }
  bool is_woken() const { return woken_.load(std::memory_order_acquire); }
  void park() { parker_.park(); }
  // Where the thread sleeps from now on: null for park().
  void set_driver(Driver* driver) {
    base::MutexLock lock(&mutex_);
    driver_ = driver;
  }
  // Ends a park() without a wake of the future.
  void unpark() { parker_.unpark(); }

  void wake() noexcept override {
    woken_.exchange(true, std::memory_order_acq_rel);  // [main] release
    parker_.unpark();
    // Under the lock, so that the driver is not gone; its wake() only sets an
    // eventfd.
    base::MutexLock lock(&mutex_);
    if (driver_ != nullptr) driver_->wake();
  }
  void wake_and_release() noexcept override {
    wake();
    release();
  }
  void retain() noexcept override {
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept override {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  BlockOnWaker() = default;
  ~BlockOnWaker() = default;

  std::atomic<uint32_t> references_{1};
  std::atomic<bool> woken_{true};
  Parker parker_;
  base::Mutex mutex_;
  Driver* driver_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_BLOCK_ON_WAKER_H_
