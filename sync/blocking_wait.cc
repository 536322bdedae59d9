#include "sync/blocking_wait.h"

#include <atomic>
#include <string>

#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/context/current.h"

namespace eddy::sync {

class BlockedThread::Target final : public Wakeable {
 public:
  Target() = default;

  void park() {
    base::MutexLock lock(&mutex_);
    while (!woken_) changed_.wait(mutex_);
    woken_ = false;
  }

  void wake() noexcept override {
    {
      base::MutexLock lock(&mutex_);
      woken_ = true;
    }
    changed_.notify_one();
  }
  void wake_and_release() noexcept override {
    wake();
    release();
  }
  void retain() noexcept override {
    // relaxed: a reference is only made from a reference.
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept override {
    // [free]
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  ~Target() = default;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<int> references_{1};
};

BlockedThread::BlockedThread(const char* what)
    : target_(new Target), waker_(Waker::adopt(target_)) {
  EDDY_CHECK(!context::current().is_polling,
             std::string(what) +
                 " inside a worker: use co_await, or block_in_place()");
}

void BlockedThread::park() { target_->park(); }

}  // namespace eddy::sync
