// WritesInFlight: counts the writes in sequence that a file's records are busy
// with, among them those whose futures were dropped. What comes next in
// sequence waits for them, so that it can't overtake.
//
// Threads: any may end one. One task at a time waits.
#ifndef EDDY_IO_FS_WRITES_IN_FLIGHT_H_
#define EDDY_IO_FS_WRITES_IN_FLIGHT_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/mutex.h"
#include "runtime/task/context.h"
#include "runtime/task/poll.h"
#include "runtime/task/waker.h"

namespace eddy::io {

class WritesInFlight {
 public:
  void begin() { count_.fetch_add(1, std::memory_order_relaxed); }

  void end() {
    // [writes] release: what the write did to its record
    if (count_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    Waker waker;
    {
      base::MutexLock lock(&mutex_);
      std::swap(waker, waker_);
    }
    std::move(waker).wake();
  }

  // Ready when there are none.
  Poll<void> poll_none(Context& cx) {
    if (none()) return kReady;
    Waker waker = cx.waker();  // the old one ends after the lock
    base::MutexLock lock(&mutex_);
    std::swap(waker, waker_);
    // Again: an end() that came before the lock has woken nobody.
    if (none()) return kReady;
    return kPending;
  }

 private:
  bool none() const {
    return count_.load(std::memory_order_acquire) == 0;  // [writes]
  }

  std::atomic<uint32_t> count_{0};
  base::Mutex mutex_;
  Waker waker_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_WRITES_IN_FLIGHT_H_
