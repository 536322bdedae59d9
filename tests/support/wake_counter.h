// WakeCounter: polls futures by hand, and counts how often their waker is
// called.
//
//   WakeCounter waker;
//   EXPECT_TRUE(future.poll(waker.context()).is_pending());
//   EXPECT_EQ(waker.wakes(), 0);
//
// Threads: wakes may come from any, also after the WakeCounter has gone; the
//          object itself belongs to one thread.
#ifndef EDDY_TESTS_SUPPORT_WAKE_COUNTER_H_
#define EDDY_TESTS_SUPPORT_WAKE_COUNTER_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "runtime/task/context.h"
#include "runtime/task/waker.h"

namespace eddy::testing {

class WakeCounter {
 public:
  WakeCounter() : target_(new Target), waker_(Waker::adopt(target_)) {}
  WakeCounter(const WakeCounter&) = delete;
  WakeCounter& operator=(const WakeCounter&) = delete;

  // For the next poll; the one of the poll before is gone.
  Context& context(uint32_t budget = Context::kDefaultBudget) {
    return context_.emplace(waker_, budget);
  }
  const Waker& waker() const { return waker_; }

  int wakes() const { return target_->wakes.load(std::memory_order_acquire); }
  // How many wakers others hold.
  int kept_wakers() const {
    return target_->references.load(std::memory_order_acquire) - 1;
  }

 private:
  struct Target final : Wakeable {
    void wake() noexcept override {
      wakes.fetch_add(1, std::memory_order_acq_rel);
    }
    void wake_and_release() noexcept override {
      wake();
      release();
    }
    void retain() noexcept override {
      references.fetch_add(1, std::memory_order_relaxed);
    }
    void release() noexcept override {
      if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    std::atomic<int> wakes{0};
    std::atomic<int> references{1};
  };

  Target* target_;  // waker_ keeps it alive
  Waker waker_;
  std::optional<Context> context_;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_WAKE_COUNTER_H_
