#include "runtime/base/spin_lock.h"

#include <thread>

#include "runtime/base/backoff.h"

namespace eddy::base {
namespace {

constexpr int kSpins = 40;

}  // namespace

void SpinLock::lock_slowly() {
  for (int turn = 0;; ++turn) {
    // relaxed: only a hint; who waits reads, and does not write, the word.
    if (held_.load(std::memory_order_relaxed)) {
      if (turn < kSpins) {
        pause();
      } else {
        std::this_thread::yield();
      }
    } else if (!held_.exchange(true, std::memory_order_acquire)) {  // [held]
      return;
    }
  }
}

}  // namespace eddy::base
