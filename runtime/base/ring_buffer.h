// RingBuffer<T>: a queue of small trivial values that grows as needed and never
// allocates once it is large enough.
//
// Threads: one at a time.
#ifndef EDDY_RUNTIME_BASE_RING_BUFFER_H_
#define EDDY_RUNTIME_BASE_RING_BUFFER_H_

#include <cstddef>
#include <memory>
#include <type_traits>

namespace eddy::base {

template <class T>
requires std::is_trivially_copyable_v<T>
class RingBuffer {
 public:
  RingBuffer() = default;

  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }

  void push_back(T value) {
    if (size() == capacity_) grow();
    slots_[tail_++ & (capacity_ - 1)] = value;
  }

  // Not of an empty one.
  T pop_front() { return slots_[head_++ & (capacity_ - 1)]; }

 private:
  void grow() {
    const std::size_t larger = capacity_ == 0 ? 64 : 2 * capacity_;
    auto slots = std::make_unique<T[]>(larger);
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
      slots[i] = slots_[(head_ + i) & (capacity_ - 1)];
    }
    slots_ = std::move(slots);
    capacity_ = larger;
    head_ = 0;
    tail_ = count;
  }

  std::unique_ptr<T[]> slots_;
  std::size_t capacity_ = 0;  // a power of two, or 0
  std::size_t head_ = 0;      // both count up; masked when used
  std::size_t tail_ = 0;
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_RING_BUFFER_H_
