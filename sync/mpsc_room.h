// Room: how many messages a bounded mpsc channel has room for.
//
// It is in two places, so that senders and receiver seldom meet: permits that
// senders take, and what the receiver has given back since. A sender who finds
// too few permits collects those, many at once as a rule.
//
//   back_   bit   0        1..63
//                 WAITING  number of messages that were received
//
//   by              does                          the caller must
//   --------------  ----------------------------  ----------------------------
//   give_back()     + 1 message                   if WAITING: release all of
//                                                 them, and set WAITING again
//                                                 if others wait still
//   collect()       takes all, leaves WAITING     release them
//   a wait, linked  takes all, sets WAITING       release them
//
// A wait is linked before it sets WAITING, and WAITING is taken away before the
// receiver looks for who is linked: so either the receiver sees the node, or
// WAITING stays. That it stays when nobody waits any more costs one release.
//
// Memory order: acq_rel, each edge of back_ being a read-modify-write.
//   [back] give_back() -> collect(), wait: what was received is out of the
//          queue. SemaphoreCore has the rest.
//
// Threads: give_back() and close() by the receiver, the rest by senders.
// Owner:   outlives its waits and every call in progress.
#ifndef EDDY_SYNC_MPSC_ROOM_H_
#define EDDY_SYNC_MPSC_ROOM_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/bits.h"
#include "runtime/task/future.h"
#include "sync/semaphore_core.h"

namespace eddy::sync::mpsc {

class Room {
 public:
  class Wait;

  explicit Room(uint64_t capacity) : free_(capacity) {}

  // False if there is too little, or others wait, or it is closed.
  [[nodiscard]] bool try_take(uint64_t count) {
    if (free_.available() < count) collect();
    return free_.try_acquire(count);
  }
  // What was taken, and not used.
  void release(uint64_t count) { free_.release(count); }
  uint64_t available() const {
    return free_.available() + back_.load(kAcquire) / kOne;
  }

  // One message was received.
  void give_back() {
    // [back] release
    if ((back_.fetch_add(kOne, kAcqRel) & kWaiting) != 0) [[unlikely]] {
      serve();
    }
  }
  // Who waits is told.
  void close() { free_.close(); }

 private:
  static constexpr uint64_t kWaiting = 1, kOne = 2;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;

  void collect() {
    // relaxed: a hint that saves the exchange.
    if (back_.load(std::memory_order_relaxed) < kOne) return;
    // [back] acquire
    const uint64_t old = back_.fetch_and(kWaiting, kAcqRel);
    if (old >= kOne) free_.release(old / kOne);
  }
  // By one who waits. True if there was something.
  bool collect_waiting() {
    const uint64_t old = back_.exchange(kWaiting, kAcqRel);  // [back] acquire
    if (old >= kOne) free_.release(old / kOne);
    return old >= kOne;
  }
  void serve() {
    const uint64_t old = back_.exchange(0, kAcqRel);
    if (old >= kOne) free_.release(old / kOne);
    if (free_.has_waiters()) back_.fetch_or(kWaiting, kAcqRel);
  }

  SemaphoreCore free_;
  alignas(base::kCacheLine) std::atomic<uint64_t> back_{0};
};

// A Future of bool: true if the room is the caller's, false if the channel is
// closed. As SemaphoreCore::Wait.
class [[nodiscard]] Room::Wait {
 public:
  using Output = bool;

  Wait(Room& room, uint64_t count)
      : room_(room), count_(count), wait_(room.free_, count) {}
  Wait(Wait&&) = default;

  Poll<bool> poll(Context& cx) {
    if (room_.free_.available() < count_) room_.collect();
    Poll<bool> has_room = wait_.poll(cx);
    if (has_room.is_pending() && room_.collect_waiting()) {
      has_room = wait_.poll(cx);
    }
    return has_room;
  }

 private:
  Room& room_;
  const uint64_t count_;
  SemaphoreCore::Wait wait_;
};

}  // namespace eddy::sync::mpsc

#endif  // EDDY_SYNC_MPSC_ROOM_H_
