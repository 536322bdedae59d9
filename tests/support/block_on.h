// block_on(): waits for a future on a test's own thread, without a runtime.
//
//   EXPECT_EQ(block_on(std::move(handle)).value(), 42);
//
// Threads: any that may block. No other future runs meanwhile.
#ifndef EDDY_TESTS_SUPPORT_BLOCK_ON_H_
#define EDDY_TESTS_SUPPORT_BLOCK_ON_H_

#include <atomic>
#include <utility>

#include "runtime/base/mutex.h"
#include "runtime/task/future.h"

namespace eddy::testing {

// A thread that sleeps until it is woken.
class ParkedThread final : public Wakeable {
 public:
  static Waker make_waker(ParkedThread*& thread) {
    thread = new ParkedThread;
    return Waker::adopt(thread);
  }

  void park() {
    base::MutexLock lock(&mu_);
    while (!woken_) changed_.wait(mu_);
    woken_ = false;
  }

 private:
  ParkedThread() = default;
  ~ParkedThread() = default;

  void wake() noexcept override {
    {
      base::MutexLock lock(&mu_);
      woken_ = true;
    }
    changed_.notify_one();
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

  std::atomic<int> references_{1};
  base::Mutex mu_;
  base::CondVar changed_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

template <Future F>
OutputOf<F> block_on(F&& future) {
  ParkedThread* thread = nullptr;
  const Waker waker = ParkedThread::make_waker(thread);
  for (;;) {
    Context cx(waker);
    Poll<OutputOf<F>> poll = future.poll(cx);
    if (poll.is_ready()) return *std::move(poll);
    if (!cx.wake_requested()) thread->park();
  }
}

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_BLOCK_ON_H_
