// ReceiverCount: how many receivers a channel has, and the senders that wait
// until there are none.
//
// Threads: any.
// Cancel:  a dropped Closed is forgotten.
// Owner:   outlives its Closed and every call in progress.
#ifndef EDDY_SYNC_RECEIVER_COUNT_H_
#define EDDY_SYNC_RECEIVER_COUNT_H_

#include <atomic>
#include <cstdint>

#include "runtime/task/future.h"
#include "sync/version.h"

namespace eddy::sync {

class ReceiverCount {
 public:
  class Closed;

  // [last] what receivers did comes before who learns that they are gone
  uint64_t get() const { return count_.load(std::memory_order_acquire); }
  // relaxed: whoever adds one has a share in the channel.
  void add() { count_.fetch_add(1, std::memory_order_relaxed); }
  // True if that was the last.
  bool remove() {
    // [last] release
    if (count_.fetch_sub(1, std::memory_order_acq_rel) > 1) return false;
    if (departures_.step()) departures_.wake_waiters();
    return true;
  }

 private:
  std::atomic<uint64_t> count_{0};
  Version departures_;  // of a last receiver; there may be others later
};

// A Future of void: there are no receivers. May be moved until its first poll.
class [[nodiscard]] ReceiverCount::Closed {
 public:
  using Output = void;

  explicit Closed(ReceiverCount& count)
      : count_(count), wait_(count.departures_) {}
  Closed(Closed&&) = default;

  Poll<void> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    for (;;) {
      // Before the look at the count: what comes after it ends the wait.
      const uint64_t seen = count_.departures_.now();
      if (count_.get() == 0) {
        cx.spend();
        return kReady;
      }
      if (wait_.poll(seen, cx).is_pending()) return kPending;
    }
  }

 private:
  ReceiverCount& count_;
  Version::Wait wait_;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_RECEIVER_COUNT_H_
