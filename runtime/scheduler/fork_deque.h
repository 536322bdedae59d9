// ForkDeque: the forks of one worker that nobody has begun. Its owner pushes
// and pops at one end; thieves take the oldest at the other.
//
//        tail          split          head        positions count up
//   ------|-------------|--------------|------
//    taken|   public    |   private    | free
//
// Split as in Lace (van Dijk, van de Pol 2014): only the owner knows the
// private part, so that to push there and to pop from there takes no atomic
// read-modify-write. Thieves see the public part. Its bounds are one word,
// `word_`, with a tag:
//
//   from                by          to                       who
//   ------------------  ----------  -----------------------  ------
//   (tail, split)       steal: CAS  (tail + 1, split)        thief
//   (split, split)      publish     (split, split + n)       owner
//   (tail, split)       take back:  (tail, split - n)        owner
//                       CAS         and tag + 1
//
// The owner publishes only while the public part is empty: no thief changes the
// word then, so that a store will do. It does so at its next push or look at
// the slice (fork_lane.h) once the public part was emptied by itself (empty_),
// or a thief found it empty or left it so (hungry_): half of what is private,
// the oldest. It takes back half of the public part when nothing private is
// left.
//
// The tag is there for the thief, which reads a slot and then claims it: were
// the slot taken back, used for another fork and published again in between,
// the word would look the same without it. It would take a thief that sleeps
// while 2^32 forks are taken back to fool it.
//
// Memory order:
//   [fork]  publish releases word_; a thief acquires it, then reads the slots.
//           What the owner wrote before the push, the thief sees.
//   [taken] steal releases word_; the owner acquires it before it writes a slot
//           again that a thief has read.
//   [hungry] is relaxed: it carries no data. publish() makes forks public,
//           fences (light) and looks at hungry_; a worker that goes to sleep
//           sets it, fences (heavy) and looks for public forks. One of them
//           sees the other. That no sleeper misses a fork rests on that, and on
//           [sleep] in idle.h, with publish() in the place of a push.
//
// Threads: push(), pop() and publish() by the owner, the rest by any.
// Owner:   the worker, which outlives all thieves.
#ifndef EDDY_RUNTIME_SCHEDULER_FORK_DEQUE_H_
#define EDDY_RUNTIME_SCHEDULER_FORK_DEQUE_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "runtime/base/bits.h"

namespace eddy::scheduler {

// What forks, as the scheduler knows it.
class Fork {
 public:
  // Runs what `branches`, which was pushed with it, means. By a thief, at the
  // base of its stack.
  virtual void run_stolen(uint64_t branches) noexcept = 0;
  // Leaves `branches` to the run queue. By the owner, who has popped them; its
  // own pop for them finds nothing, as if they had been stolen.
  virtual void postpone(uint64_t branches) noexcept = 0;

 protected:
  ~Fork() = default;
};

class ForkDeque {
 public:
  static constexpr uint32_t kCapacity = 1024;

  // Branches of a fork: which of them, only the fork knows.
  struct Item {
    Fork* fork;
    uint64_t branches;
  };

  ForkDeque() = default;
  ForkDeque(const ForkDeque&) = delete;
  ForkDeque& operator=(const ForkDeque&) = delete;

  // False if it is full.
  [[nodiscard]] bool push(Item item) {
    if (head_ == limit_) [[unlikely]] {
      if (!find_room()) return false;
    }
    Slot& slot = slots_[head_ & kMask];
    slot.fork.store(item.fork, kRelaxed);
    slot.branches.store(item.branches, kRelaxed);
    ++head_;
    return true;
  }

  // The newest item; false if none is left.
  [[nodiscard]] bool pop(Item& item) {
    if (head_ == split_) [[unlikely]] {
      if (!take_back()) return false;
    }
    --head_;
    read(head_, item);
    return true;
  }

  // Whether publish() is due.
  bool wants_publish() const { return empty_ || hungry_.load(kRelaxed); }
  // True if somebody was hungry and there is something now: the caller wakes a
  // worker.
  [[nodiscard]] bool publish();

  // The oldest item of the public part; if there is none, asks for more.
  [[nodiscard]] bool steal(Item& item);
  // Somebody looks for work: the owner publishes at its next push.
  void demand() {
    if (!hungry_.load(kRelaxed)) hungry_.store(true, kRelaxed);
  }
  // Whether there is something to steal; a hint.
  bool has_public() const;

 private:
  static constexpr uint32_t kMask = kCapacity - 1;
  static constexpr auto kRelaxed = std::memory_order_relaxed;

  struct Slot {
    // Atomic, since a thief whose claim fails may read while the owner writes;
    // relaxed: [fork] and [taken] order what is used.
    std::atomic<Fork*> fork;
    std::atomic<uint64_t> branches;
  };

  // Positions in the word are cut to 16 bits; their differences are at most
  // kCapacity.
  struct Public {
    uint32_t tag;
    uint16_t tail;
    uint16_t split;

    uint16_t size() const { return static_cast<uint16_t>(split - tail); }
  };
  static uint64_t pack(Public p) {
    return uint64_t{p.tag} << 32 | uint64_t{p.tail} << 16 | p.split;
  }
  static Public unpack(uint64_t word) {
    return {static_cast<uint32_t>(word >> 32),
            static_cast<uint16_t>(word >> 16), static_cast<uint16_t>(word)};
  }

  void read(uint32_t position, Item& item) const {
    const Slot& slot = slots_[position & kMask];
    item.fork = slot.fork.load(kRelaxed);
    item.branches = slot.branches.load(kRelaxed);
  }
  bool find_room();
  bool take_back();

  // The owner's.
  alignas(base::kCacheLine) uint32_t head_ = 0;
  uint32_t split_ = 0;
  uint32_t limit_ = kCapacity;  // up to here slots are known to be free
  bool empty_ = true;           // the public part, for what the owner knows
  // Everybody's.
  alignas(base::kCacheLine) std::atomic<uint64_t> word_{0};
  std::atomic<bool> hungry_{false};
  alignas(base::kCacheLine) std::array<Slot, kCapacity> slots_{};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_FORK_DEQUE_H_
