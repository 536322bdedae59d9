// WakeBatch: wakers that were taken out of their slots under a lock, to be
// woken after it. Bounded, on the stack, without an allocation.
//
//   WakeBatch woken;
//   for (...) {
//     if (woken.is_full()) woken.wake_all();
//     entry.deliver(generation, events, woken);  // locks, adds at most two
//   }
//   woken.wake_all();
//
// Threads: belongs to one.
#ifndef EDDY_REACTOR_WAKE_BATCH_H_
#define EDDY_REACTOR_WAKE_BATCH_H_

#include <array>
#include <cstddef>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/waker.h"

namespace eddy::reactor {

class WakeBatch {
 public:
  WakeBatch() = default;
  WakeBatch(const WakeBatch&) = delete;
  WakeBatch& operator=(const WakeBatch&) = delete;
  ~WakeBatch() { EDDY_DCHECK(size_ == 0, "wakers were not woken"); }

  // No room for what one entry may add.
  bool is_full() const { return size_ + 2 > kCapacity; }

  void add(Waker waker) {
    EDDY_DCHECK(size_ < kCapacity);
    wakers_[size_++] = std::move(waker);
  }

  // Not under a lock: a wake may run an executor's code.
  void wake_all() {
    for (size_t i = 0; i < size_; ++i) std::move(wakers_[i]).wake();
    size_ = 0;
  }

 private:
  static constexpr size_t kCapacity = 64;

  size_t size_ = 0;
  std::array<Waker, kCapacity> wakers_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_WAKE_BATCH_H_
