// QuietWaker: something to wake that adds no order of its own, so that
// ThreadSanitizer sees that of the code under test alone.
//
//   QuietWaker target;
//   target.letter = 1;           // plain memory: whoever wakes must see it
//   const Waker waker = target.waker();
//   Context cx(waker);
//   if (future.poll(cx).is_pending()) {
//     while (target.wakes() == 0) std::this_thread::yield();
//   }
//
// A wake of one says nothing of memory, unlike that of a task: what a poll must
// see afterwards, the future has to bring about.
//
// Threads: any. Owner: outlives its wakers, which the test checks.
#ifndef EDDY_TESTS_SUPPORT_QUIET_WAKER_H_
#define EDDY_TESTS_SUPPORT_QUIET_WAKER_H_

#include <gtest/gtest.h>

#include <atomic>

#include "runtime/task/waker.h"

namespace eddy::testing {

class QuietWaker final : public Wakeable {
 public:
  int letter = 0;  // 1 before the first poll

  Waker waker() {
    retain();
    return Waker::adopt(this);
  }
  int wakes() const { return wakes_.load(std::memory_order_relaxed); }
  // How many wakers others hold.
  int kept_wakers() const {
    return references_.load(std::memory_order_relaxed);
  }

  void wake() noexcept override {
    EXPECT_EQ(letter, 1);
    wakes_.fetch_add(1, std::memory_order_relaxed);
  }
  void wake_and_release() noexcept override {
    wake();
    release();
  }
  void retain() noexcept override {
    references_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept override {
    references_.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<int> wakes_{0};
  std::atomic<int> references_{0};
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_SUPPORT_QUIET_WAKER_H_
