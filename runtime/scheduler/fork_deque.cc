#include "runtime/scheduler/fork_deque.h"

#include "runtime/base/asymmetric_fence.h"

namespace eddy::scheduler {

namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace

bool ForkDeque::find_room() {
  const Public now = unpack(word_.load(kAcquire));  // [taken] acquire
  const uint32_t tail = split_ - now.size();
  limit_ = tail + kCapacity;
  return head_ != limit_;
}

bool ForkDeque::publish() {
  const Public now = unpack(word_.load(kAcquire));
  if (now.size() == 0) {
    const uint32_t mine = head_ - split_;
    if (mine == 0) return false;  // stays due
    split_ += (mine + 1) / 2;
    Public next = now;
    next.split = static_cast<uint16_t>(split_);
    word_.store(pack(next), kRelease);  // [fork] release
  }
  // What a thief has asked for is there, now or since before. If another asks
  // between the load and the store, it looks for public forks afterwards, and
  // we at who sleeps: see [sleep] in idle.h.
  empty_ = false;
  base::light_fence();  // [hungry] pairs with the heavy fence in Worker::park()
  if (!hungry_.load(kAcquire)) return false;
  hungry_.store(false, kRelaxed);
  return true;
}

bool ForkDeque::take_back() {
  uint64_t word = word_.load(kAcquire);
  for (;;) {
    const Public now = unpack(word);
    if (now.size() == 0) return false;
    const auto taken = static_cast<uint16_t>((now.size() + 1) / 2);
    Public next = now;
    next.split = static_cast<uint16_t>(now.split - taken);
    ++next.tag;
    if (word_.compare_exchange_weak(word, pack(next), kAcqRel, kAcquire)) {
      split_ -= taken;
      empty_ = next.size() == 0;
      return true;
    }
  }
}

bool ForkDeque::steal(Item& item) {
  uint64_t word = word_.load(kAcquire);  // [fork] acquire
  for (;;) {
    const Public now = unpack(word);
    if (now.size() == 0) {
      demand();
      return false;
    }
    read(now.tail, item);
    Public next = now;
    ++next.tail;
    // [taken] release; [fork] acquire for the next attempt
    if (word_.compare_exchange_weak(word, pack(next), kAcqRel, kAcquire)) {
      if (next.size() == 0) demand();
      return true;
    }
  }
}

bool ForkDeque::has_public() const {
  return unpack(word_.load(kAcquire)).size() > 0;
}

}  // namespace eddy::scheduler
