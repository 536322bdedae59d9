#include "runtime/scheduler/local_queue.h"

#include "runtime/base/check.h"

namespace eddy::scheduler {

uint32_t LocalQueue::push(task::Header* task, Batch& evicted) {
  while (!try_push(task)) {
    const Head head = unpack(head_.load(kAcquire));  // [take] acquire
    // A thief has made room; evict_half() is for full rings only.
    if (tail_.load(kRelaxed) - head.steal < kCapacity) continue;
    if (head.steal != head.real) {  // a thief is making room
      evicted[0] = task;
      return 1;
    }
    if (evict_half(head, task, evicted)) return kHalf + 1;
  }
  return 0;
}

bool LocalQueue::evict_half(Head head, task::Header* task, Batch& evicted) {
  uint64_t expected = pack(head);
  const uint32_t next = head.real + kHalf;
  if (!head_.compare_exchange_strong(expected, pack({next, next}), kAcqRel,
                                     kRelaxed)) {
    return false;  // a thief came first
  }
  for (uint32_t i = 0; i < kHalf; ++i) {
    evicted[i] = slots_[(head.real + i) & kMask].load(kRelaxed);
  }
  evicted[kHalf] = task;
  return true;
}

uint32_t LocalQueue::free_slots() const {
  const Head head = unpack(head_.load(kAcquire));  // [take] acquire
  return kCapacity - (tail_.load(kRelaxed) - head.steal);
}

void LocalQueue::push_all(std::span<task::Header* const> tasks) {
  EDDY_DCHECK(tasks.size() <= free_slots(), "the local queue has no room");
  uint32_t tail = tail_.load(kRelaxed);
  for (task::Header* task : tasks) slots_[tail++ & kMask].store(task, kRelaxed);
  tail_.store(tail, kRelease);  // [push] release
}

task::Header* LocalQueue::steal_into(LocalQueue& into) {
  const uint32_t at = into.tail_.load(kRelaxed);
  // Empty as it is, a thief that is still copying may hold most of its slots:
  // while `steal` stands still, pushes and pops go on behind it.
  if (into.free_slots() < kHalf) return nullptr;
  task::Header* oldest = nullptr;
  const uint32_t others = steal_half(into, at, oldest);
  if (others > 0) into.tail_.store(at + others, kRelease);  // [push] release
  return oldest;
}

uint32_t LocalQueue::steal_half(LocalQueue& into, uint32_t at,
                                task::Header*& oldest) {
  uint64_t word = head_.load(kAcquire);
  Head claimed;
  uint32_t count;
  for (;;) {
    const Head head = unpack(word);
    if (head.steal != head.real) return 0;  // another thief is at work
    const uint32_t queued = tail_.load(kAcquire) - head.real;  // [push] acquire
    // The tail may be newer than the head: then the exchange below fails.
    count = queued - queued / 2;
    if (count == 0) return 0;
    if (count > kHalf) count = kHalf;
    claimed = {head.real, head.real + count};
    if (head_.compare_exchange_weak(word, pack(claimed), kAcqRel, kAcquire)) {
      break;
    }
  }
  oldest = slots_[claimed.steal & kMask].load(kRelaxed);
  for (uint32_t i = 1; i < count; ++i) {
    task::Header* task = slots_[(claimed.steal + i) & kMask].load(kRelaxed);
    into.slots_[(at + i - 1) & kMask].store(task, kRelaxed);
  }
  // The owner may have popped meanwhile; only `real` can have changed.
  word = pack(claimed);
  for (;;) {
    const uint32_t real = unpack(word).real;
    // [take] release: the slots are read
    if (head_.compare_exchange_weak(word, pack({real, real}), kAcqRel,
                                    kRelaxed)) {
      return count - 1;
    }
  }
}

}  // namespace eddy::scheduler
