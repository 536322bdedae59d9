// BlockList<T>: the queue of an mpsc channel. Many push, one pops, and may
// wait.
//
//   tail   block being filled | CLOSED (32) | index of its next free slot
//
//   slot      by        to        the caller must
//   --------  --------  --------  -----------------------------------------
//   kEmpty    push()    kFilled   -
//   kEmpty    close()   kEnd      -
//   kEmpty    wait()    a waker   -
//   a waker   push()    kFilled   wake it
//   a waker   close()   kEnd      wake it
//   a waker   wait()    a waker   drop the one before, if it is another
//   kFilled   pop()     kFilled   the value is moved out, the slot is past
//
// A push claims a slot and learns where it is in one exchange of the tail.
// Whoever claims the last slot of a block brings the next block with it and
// makes it the tail in that same exchange, so nobody ever waits for anybody.
// The exchange cannot be misled by a block that was freed and came back in the
// meantime: block and index say all that a claim needs. CLOSED lets nobody
// claim any more, and the slot that would have been next becomes the end: all
// that was pushed is before it. Who loses the exchange to another core leaves the
// tail to that one for as long as it goes on.
//
// The waker of the receiver lies in the very slot that it waits for, as a
// counted reference which belongs to whoever takes it out. So only the push
// that it waits for wakes it, and a push looks nowhere else.
//
// A block is freed by the receiver, once its last slot is popped. No push uses
// it any more then: each touches only the slot that it has claimed, and, with
// the last one, `next`, before it fills that. A few freed blocks are kept, so
// that a channel which is never far from empty does not allocate. The rest goes
// back at once.
//
// Memory order: exchanges are acq_rel, loads acquire.
//   [block] take_block() -> claim(): a block is as it was made.
//   [slot]  push() -> front(): the value is there, and `next`.
//   [wait]  wait() -> push(), close(): the waker may be called.
//
// Threads: push() and close() any; the others by one at a time.
// Owner:   values that were not popped are destroyed with the list.
//
// Blocks are those of Tokio's mpsc; that the tail names its block, and slots
// keep the waker, is ours.
#ifndef EDDY_SYNC_MPSC_LIST_H_
#define EDDY_SYNC_MPSC_LIST_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "runtime/base/backoff.h"
#include "runtime/base/bits.h"
#include "runtime/task/waker.h"

namespace eddy::sync::mpsc {

template <class T>
class BlockList {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "a channel's values must not throw when they are moved: send a "
                "std::unique_ptr");

 public:
  // In a block; fewer of large ones.
  static constexpr uintptr_t kSlots = sizeof(T) <= 64    ? 32
                                      : sizeof(T) <= 512 ? 8
                                                         : 2;

  BlockList() : head_(new Block), tail_(word_of(head_)) {}
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;
  ~BlockList() {
    stop_waiting();
    while (T* value = front()) pop(value);
    delete head_;
    for (auto& spare : spares_) delete spare.load(std::memory_order_acquire);
  }

  // False if the list is closed, and then `value` is as it was. May throw
  // std::bad_alloc, and then has done nothing.
  [[nodiscard]] bool push(T&& value) {
    const Place place = claim();
    if (place.slot == nullptr) return false;
    std::construct_at(&place.slot->value, std::move(value));
    if (place.next != nullptr) place.block->next = place.next;
    place.slot->settle(kFilled).wake();  // [slot] release
    return true;
  }

  // Nothing more is pushed. The waker of a receiver that waits for what will
  // not come, or none.
  Waker close() {
    const uintptr_t old = tail_.fetch_or(kClosed, kAcqRel);
    if ((old & kClosed) != 0) return Waker();
    // Nobody claims this slot, and so the block stays.
    return block_of(old)->slots[old & kIndex].settle(kEnd);
  }
  bool is_closed() const { return (tail_.load(kAcquire) & kClosed) != 0; }

  // The oldest value; null if it is not there yet.
  T* front() {
    Slot& slot = head_->slots[head_index_];
    // [slot] acquire
    return slot.word.load(kAcquire) == kFilled ? &slot.value : nullptr;
  }
  // All that was pushed has been popped, and no more will come.
  bool is_at_end() const {
    return head_->slots[head_index_].word.load(kAcquire) == kEnd;
  }

  // How many values there are, by the receiver; those that are being pushed
  // may count.
  std::size_t size() const {
    std::size_t count = 0;
    const Block* block = head_;
    uintptr_t index = head_index_;
    while (block->slots[index].word.load(kAcquire) == kFilled) {
      // [slot] acquire
      if (block->slots[kSlots - 1].word.load(kAcquire) == kFilled) {
        count += kSlots - std::exchange(index, 0);
        block = block->next;
      } else {
        ++count;
        ++index;
      }
    }
    return count;
  }

  // Destroys what front() gave.
  void pop(T* value) {
    std::destroy_at(value);
    if (++head_index_ < kSlots) return;
    head_index_ = 0;
    keep_or_free(std::exchange(head_, head_->next));
  }

  // `waker` is called when there is a front(), or the end. False: there is.
  [[nodiscard]] bool wait(const Waker& waker) {
    std::atomic<uintptr_t>& word = head_->slots[head_index_].word;
    uintptr_t old = word.load(kAcquire);
    if (is_waker(old)) {
      Waker kept = Waker::adopt(target_of(old));
      const bool is_kept = kept.will_wake(waker);
      std::move(kept).leak();  // is the slot's
      if (is_kept) return true;
    } else if (old != kEmpty) {
      return false;
    }
    Waker latest = waker;
    Wakeable* target = std::move(latest).leak();
    // [wait] release. It fails only if the slot was settled.
    if (!word.compare_exchange_strong(old, reinterpret_cast<uintptr_t>(target),
                                      kAcqRel, kAcquire)) {
      target->release();
      return false;
    }
    if (is_waker(old)) target_of(old)->release();
    return true;
  }
  void stop_waiting() {
    std::atomic<uintptr_t>& word = head_->slots[head_index_].word;
    uintptr_t old = word.load(kAcquire);
    if (is_waker(old) &&
        word.compare_exchange_strong(old, kEmpty, kAcqRel, kAcquire)) {
      target_of(old)->release();
    }
  }

 private:
  // Of a slot; anything else is a waker.
  static constexpr uintptr_t kEmpty = 0, kFilled = 1, kEnd = 2;
  // Of the tail.
  static constexpr uintptr_t kIndex = 31, kClosed = 32;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;
  static constexpr auto kAcquire = std::memory_order_acquire;
  static_assert(alignof(Wakeable) > kEnd && kSlots <= kIndex + 1);

  static bool is_waker(uintptr_t word) { return word > kEnd; }
  static Wakeable* target_of(uintptr_t word) {
    return reinterpret_cast<Wakeable*>(word);
  }

  struct Slot {
    Slot() {}
    ~Slot() {}

    // Gives the waker of the receiver, if it waits for this slot. [wait]
    // acquire
    Waker settle(uintptr_t as) {
      const uintptr_t old = word.exchange(as, kAcqRel);
      return is_waker(old) ? Waker::adopt(target_of(old)) : Waker();
    }

    std::atomic<uintptr_t> word{kEmpty};
    union {
      T value;
    };
  };

  struct alignas(std::max(base::kCacheLine, alignof(Slot))) Block {
    Block() {}

    // By hand, for malloc() is many times slower where it has to align. The
    // address that it gave is kept behind the block.
    static void* operator new(std::size_t size) {
      constexpr uintptr_t kPadding =
          alignof(Block) - __STDCPP_DEFAULT_NEW_ALIGNMENT__;
      const auto memory = reinterpret_cast<uintptr_t>(
          ::operator new(size + kPadding + sizeof(uintptr_t)));
      const uintptr_t block = (memory + kPadding) & ~(alignof(Block) - 1);
      std::construct_at(reinterpret_cast<uintptr_t*>(block + size), memory);
      return reinterpret_cast<void*>(block);
    }
    static void operator delete(void* block) {
      const uintptr_t end = reinterpret_cast<uintptr_t>(block) + sizeof(Block);
      ::operator delete(
          reinterpret_cast<void*>(*reinterpret_cast<uintptr_t*>(end)));
    }

    Block* next = nullptr;  // written before the last slot is filled
    std::array<Slot, kSlots> slots;
  };
  static_assert(alignof(Block) > (kIndex | kClosed));

  static uintptr_t word_of(Block* block) {
    return reinterpret_cast<uintptr_t>(block);
  }
  static Block* block_of(uintptr_t tail) {
    return reinterpret_cast<Block*>(tail & ~(kIndex | kClosed));
  }

  struct Place {
    Block* block;
    Slot* slot;   // null: closed
    Block* next;  // beside the last slot of its block
  };

  Place claim() {
    uintptr_t now = tail_.load(kAcquire);
    std::unique_ptr<Block> next;
    for (;;) {
      if ((now & kClosed) != 0) return {nullptr, nullptr, nullptr};
      const bool is_last = (now & kIndex) + 1 == kSlots;
      if (is_last && next == nullptr) next = take_block();
      // [block]
      if (tail_.compare_exchange_weak(now,
                                      is_last ? word_of(next.get()) : now + 1,
                                      kAcqRel, kAcquire)) {
        Block* block = block_of(now);
        return {block, &block->slots[now & kIndex],
                is_last ? next.release() : nullptr};
      }
      base::back_off(tail_);
      now = tail_.load(kAcquire);
    }
  }

  std::unique_ptr<Block> take_block() {
    for (std::atomic<Block*>& spare : spares_) {
      if (spare.load(std::memory_order_relaxed) == nullptr) continue;
      // [block] acquire
      if (Block* block = spare.exchange(nullptr, kAcqRel)) {
        return std::unique_ptr<Block>(block);
      }
    }
    return std::make_unique<Block>();
  }

  void keep_or_free(Block* block) {
    for (std::atomic<Block*>& spare : spares_) {
      if (spare.load(std::memory_order_relaxed) != nullptr) continue;
      // Only the receiver fills a place. [block] release
      std::destroy_at(block);
      spare.store(::new (block) Block, std::memory_order_release);
      return;
    }
    delete block;
  }

  // The receiver's.
  alignas(base::kCacheLine) Block* head_;
  uintptr_t head_index_ = 0;
  // The senders'.
  alignas(base::kCacheLine) std::atomic<uintptr_t> tail_;
  std::array<std::atomic<Block*>, 4> spares_{};
};

}  // namespace eddy::sync::mpsc

#endif  // EDDY_SYNC_MPSC_LIST_H_
