// LocalQueue: the run queue of one worker, a ring that its owner fills and that
// other workers take half of when they have nothing to do.
//
// First in, first out. The owner pushes at the tail and pops at the head;
// thieves also take at the head, so tasks start in the order in which they were
// queued, whoever runs them.
//
//   head_, 64 bits:   steal (32) | real (32)
//
//   steal..real   being copied out by a thief
//   real..tail    queued
//   steal == real: no thief is at work. There is one at a time.
//
//   from             by                    to               who
//   ---------------  --------------------  ---------------  ------
//   (s, r), t        push: slot t, t+1     (s, r), t+1      owner
//   (r, r), t        pop:  CAS             (r+1, r+1)       owner
//   (s, r), t, s!=r  pop:  CAS             (s, r+1)         owner
//   (r, r), t        claim: CAS            (r, r+n)         thief
//   (s, r), t        copied: CAS loop      (r, r)           thief
//   (r, r), full     overflow: CAS         (r+n, r+n)       owner
//
// A slot is written again only when steal has passed it. Positions count up and
// wrap at 2^32; only their differences, at most kCapacity, have a meaning.
//
// Memory order:
//   [push] push releases tail_; a thief acquires it, then reads the slots.
//   [take] every change of head_ is acq_rel: the owner, which acquires head_
//          before it writes slots again, sees that they were read.
// ABA on head_ would take a thief that sleeps while 2^32 tasks pass.
//
// After the local queue of Tokio's and Go's schedulers.
#ifndef EDDY_RUNTIME_SCHEDULER_LOCAL_QUEUE_H_
#define EDDY_RUNTIME_SCHEDULER_LOCAL_QUEUE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "runtime/base/bits.h"

namespace eddy::task {
class Header;
}

namespace eddy::scheduler {

class LocalQueue {
 public:
  static constexpr uint32_t kCapacity = 256;
  // What push() evicts at once from a full ring, and the most that steal moves.
  static constexpr uint32_t kHalf = kCapacity / 2;
  using Batch = std::array<task::Header*, kHalf + 1>;

  LocalQueue() = default;
  LocalQueue(const LocalQueue&) = delete;
  LocalQueue& operator=(const LocalQueue&) = delete;

  // Owner. False if the ring is full.
  [[nodiscard]] bool try_push(task::Header* task);
  // Owner. Where the ring is full, the oldest half and `task` come out instead,
  // into `evicted`, for the injection queue; returns how many.
  [[nodiscard]] uint32_t push(task::Header* task, Batch& evicted);

  // Owner. Room for tasks that come from elsewhere in one go: free_slots() says
  // how many push_all() takes.
  uint32_t free_slots() const;
  void push_all(std::span<task::Header* const> tasks);

  // Owner. The oldest task, or null.
  task::Header* pop();

  // Thief, the owner of `into`, which is empty: takes half of the tasks,
  // returns the oldest, to be run at once, and moves the others there. Null if
  // there is none, or if another thief is still at work on one of the two.
  task::Header* steal_into(LocalQueue& into);

  // Any thread; a hint.
  uint32_t size() const;

 private:
  static constexpr uint32_t kMask = kCapacity - 1;
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  static constexpr auto kAcquire = std::memory_order_acquire;
  static constexpr auto kRelease = std::memory_order_release;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;

  struct Head {
    uint32_t steal;
    uint32_t real;
  };
  static uint64_t pack(Head head) {
    return uint64_t{head.steal} << 32 | head.real;
  }
  static Head unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word)};
  }

  bool evict_half(Head head, task::Header* task, Batch& evicted);
  // Takes up to half of the tasks: `oldest`, and the others to the slots of
  // `into` from `at` on; returns how many others.
  uint32_t steal_half(LocalQueue& into, uint32_t at, task::Header*& oldest);

  alignas(base::kCacheLine) std::atomic<uint64_t> head_{0};
  alignas(base::kCacheLine) std::atomic<uint32_t> tail_{0};  // owner writes
  // Atomic, since a thief whose claim fails may read a slot while the owner
  // writes it; relaxed: [push] and [take] order what is used.
  std::array<std::atomic<task::Header*>, kCapacity> slots_{};
};

inline bool LocalQueue::try_push(task::Header* task) {
  const uint32_t tail = tail_.load(kRelaxed);      // only we write it
  const Head head = unpack(head_.load(kAcquire));  // [take] acquire
  if (tail - head.steal >= kCapacity) [[unlikely]]
    return false;
  slots_[tail & kMask].store(task, kRelaxed);
  tail_.store(tail + 1, kRelease);  // [push] release
  return true;
}

inline task::Header* LocalQueue::pop() {
  uint64_t word = head_.load(kAcquire);
  for (;;) {
    const Head head = unpack(word);
    if (head.real == tail_.load(kRelaxed)) return nullptr;
    const uint32_t next = head.real + 1;
    const bool stealing = head.steal != head.real;
    const Head popped = {stealing ? head.steal : next, next};
    if (head_.compare_exchange_weak(word, pack(popped), kAcqRel, kAcquire)) {
      // The next task, while this one is polled. It may be stolen or gone by
      // then: to prefetch is not to access. The slot may be out of date, too.
      __builtin_prefetch(slots_[next & kMask].load(kRelaxed), /*rw=*/1);
      return slots_[head.real & kMask].load(kRelaxed);
    }
  }
}

inline uint32_t LocalQueue::size() const {
  const Head head = unpack(head_.load(kAcquire));
  return tail_.load(kAcquire) - head.real;
}

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_LOCAL_QUEUE_H_
