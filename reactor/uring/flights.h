// Flights: the operations that the kernel has, each in a slot. A ticket names a
// slot and its generation, and comes back with the completion; one that is out
// of date fits nothing.
//
// The free slots are a ring of their own, from which the submitter takes and to
// which the reaper adds: so there are never more operations in flight than
// slots, and neither side waits for the other.
//
//   who        may call
//   ---------  ---------------------------------------------------------
//   submitter  begin(), withdraw(), ticket_at(): one at a time
//   reaper     end(): one at a time
//   any        free(), in_flight(): a guess, if others are at work
//
// Memory order: [flight] begin() -> end(): the slot as it was filled (the
// kernel is in between, see hand_over.h). [free] end() -> begin(): the slot is
// empty. seq_cst: free() and end(), for Uring's [combine].
#ifndef EDDY_REACTOR_URING_FLIGHTS_H_
#define EDDY_REACTOR_URING_FLIGHTS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>

#include "reactor/operation.h"
#include "runtime/base/check.h"

namespace eddy::reactor {

class Flights {
 public:
  // `size`: a power of two.
  explicit Flights(uint32_t size)
      : size_(size),
        slots_(std::make_unique<Slot[]>(size)),
        free_(std::make_unique<uint32_t[]>(size)),
        free_tail_(size) {
    for (uint32_t i = 0; i < size; ++i) free_[i] = i;
  }

  uint32_t size() const { return size_; }
  uint32_t free() const {
    // The head first: it never passes a tail that was loaded later.
    const uint32_t head = free_head_.load(std::memory_order_relaxed);
    // [free] acquire; seq_cst: [combine]
    const uint32_t tail = free_tail_.load(std::memory_order_seq_cst);
    return std::min(tail - head, size_);
  }
  uint32_t in_flight() const { return size_ - free(); }

  // Of the submitter. There is a free slot.
  uint64_t begin(Operation& operation) {
    const uint32_t head = free_head_.load(std::memory_order_relaxed);
    const uint32_t index = free_[head % size_];
    free_head_.store(head + 1, std::memory_order_relaxed);
    Slot& slot = slots_[index];
    ++slot.generation;
    slot.operation.store(&operation, std::memory_order_release);  // [flight]
    return ticket(index);
  }
  // The kernel did not take the one that began last with this ticket.
  Operation& withdraw(uint64_t ticket) {
    const uint32_t index = index_of(ticket);
    const uint32_t head = free_head_.load(std::memory_order_relaxed) - 1;
    free_[head % size_] = index;
    free_head_.store(head, std::memory_order_relaxed);
    return *slots_[index].operation.exchange(nullptr,
                                             std::memory_order_relaxed);
  }
  // The ticket of slot `index`, or 0 if that is empty, or just becomes so.
  uint64_t ticket_at(uint32_t index) const {
    const bool is_taken =
        slots_[index].operation.load(std::memory_order_relaxed) != nullptr;
    return is_taken ? ticket(index) : 0;
  }

  // Of the reaper.
  Operation& end(uint64_t ticket) {
    const uint32_t index = index_of(ticket);
    // [flight] acquire
    Operation* operation =
        slots_[index].operation.exchange(nullptr, std::memory_order_acquire);
    EDDY_CHECK(operation != nullptr,
               "a completion of io_uring that nobody asked for: was a file "
               "descriptor closed that is not the program's own?");
    const uint32_t tail = free_tail_.load(std::memory_order_relaxed);
    free_[tail % size_] = index;
    // [free] release; seq_cst: [combine]
    free_tail_.store(tail + 1, std::memory_order_seq_cst);
    return *operation;
  }
  // What is in slot `index`, or null. While nobody else reaps, it stays.
  const Operation* at(uint32_t index) const {
    return slots_[index].operation.load(std::memory_order_acquire);
  }

 private:
  struct Slot {
    std::atomic<Operation*> operation{nullptr};
    uint32_t generation = 0;  // the submitter's
  };

  // Bit 0 is left for others, and no ticket is 0.
  uint64_t ticket(uint32_t index) const {
    return uint64_t{slots_[index].generation} << 32 | uint64_t{index} << 1;
  }
  static uint32_t index_of(uint64_t ticket) {
    return static_cast<uint32_t>(ticket) >> 1;
  }

  const uint32_t size_;
  const std::unique_ptr<Slot[]> slots_;
  const std::unique_ptr<uint32_t[]> free_;
  std::atomic<uint32_t> free_head_{0};  // the submitter's
  std::atomic<uint32_t> free_tail_;     // the reaper's
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_FLIGHTS_H_
