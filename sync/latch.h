// Latch: a gate that opens when a number of things have happened.
//
//   eddy::sync::Latch started(kServers);
//
//   started.count_down();       // in each of them, once it listens
//   co_await started.wait();    // in whoever needs them all
//
// The example is run: tests/sync/examples_test.cc.
//
// Threads: count_down() and wait() by any; a Wait belongs to one task. What was
//          written before a count_down(), whoever waited sees.
// Cancel:  dropping a Wait unlinks it; nothing else happens.
// Errors:  counting down below 0 is misuse.
// Owner:   outlives its Waits and every call in progress. A Wait may be moved
//          until its first poll.
#ifndef EDDY_SYNC_LATCH_H_
#define EDDY_SYNC_LATCH_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/check.h"
#include "sync/event.h"

namespace eddy::sync {

class Latch {
 public:
  using Wait = Event::Wait;

  explicit Latch(uint64_t count) : left_(count) {
    if (count == 0) open_.set();
  }
  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  void count_down(uint64_t by = 1) {
    // [count] each sees what the ones before wrote, and so the last sees all
    const uint64_t left = left_.fetch_sub(by, std::memory_order_acq_rel);
    EDDY_CHECK(left >= by, "a Latch is counted down below 0");
    if (left == by && by > 0) open_.set();
  }

  // A Future of void.
  Wait wait() { return open_.wait(); }
  // On a thread that may block.
  void blocking_wait() { open_.blocking_wait(); }
  bool is_open() const { return open_.is_set(); }
  uint64_t count() const { return left_.load(std::memory_order_acquire); }

 private:
  std::atomic<uint64_t> left_;
  Event open_;
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_LATCH_H_
