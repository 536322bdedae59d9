// Countdown: lets one wait end when so many tasks have arrived.
//
// Threads: any; one waits.
// Owner:   its users make it static, since the last arrive() may still be in
//          progress when the wait is over; the end of the runtime awaits it.
#ifndef EDDY_BENCHMARKS_EDDY_COUNTDOWN_H_
#define EDDY_BENCHMARKS_EDDY_COUNTDOWN_H_

#include <atomic>
#include <cstddef>

#include "sync/notify.h"

namespace eddy::benchmarks {

class Countdown {
 public:
  // While nobody else uses it.
  void reset(std::size_t n) { left_.store(n, std::memory_order_relaxed); }

  void arrive() {
    // acq_rel: what is written before an arrival is seen after the wait.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.notify_one();
  }

  sync::Notify::Notified wait() { return done_.notified(); }

 private:
  std::atomic<std::size_t> left_{0};
  sync::Notify done_;
};

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_EDDY_COUNTDOWN_H_
