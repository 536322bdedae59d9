// What the ends of an mpsc channel share: the queue of messages, who may still
// send, and how many have room. mpsc.h has the contract.
//
// Threads: close(), take() and drop_all() by the receiver, the rest by senders.
// Owner:   its ends, by shared pointers.
#ifndef EDDY_SYNC_MPSC_CHANNEL_H_
#define EDDY_SYNC_MPSC_CHANNEL_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/task/waker.h"
#include "sync/event.h"
#include "sync/mpsc_list.h"
#include "sync/mpsc_room.h"

namespace eddy::sync::mpsc {

// Ends when the count of senders comes to 0, or the receiver closes it.
template <class T>
class Channel {
 public:
  explicit Channel(std::optional<uint64_t> capacity)
      : capacity_(capacity), room_(capacity.value_or(0)) {}

  BlockList<T>& list() { return list_; }
  // Of a bounded one.
  Room& room() { return room_; }
  uint64_t capacity() const { return capacity_.value_or(0); }
  // Set once nothing more can be sent.
  Event& closed() { return closed_; }

  void add_sender() {
    // relaxed: a sender is only made from a sender.
    senders_.fetch_add(1, std::memory_order_relaxed);
  }
  // False if there are none left.
  bool add_sender_unless_ended() {
    uint64_t count = senders_.load(std::memory_order_relaxed);
    while (count > 0) {
      if (senders_.compare_exchange_weak(count, count + 1,
                                         std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void remove_sender() {
    // [last] what the senders pushed comes before the end
    if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      list_.close().wake();
    }
  }

  // By the receiver. Its own waker, if it waits, or none.
  [[nodiscard]] Waker close() {
    Waker waiting = list_.close();
    if (capacity_.has_value()) room_.close();
    closed_.set();
    return waiting;
  }
  std::optional<T> take() {
    T* value = list_.front();
    if (value == nullptr) return std::nullopt;
    std::optional<T> taken(std::move(*value));
    pop(value);
    return taken;
  }
  // False if there is none. What `into` has no memory for stays here.
  bool take_into(std::vector<T>& into) {
    T* value = list_.front();
    if (value == nullptr) return false;
    into.push_back(std::move(*value));
    pop(value);
    return true;
  }
  // After close(). Waits for the pushes that have claimed a place before that:
  // what they bring would stay until the last sender goes.
  void drop_all() {
    while (!list_.is_at_end()) {
      if (T* value = list_.front()) {
        list_.pop(value);
      } else {
        std::this_thread::yield();
      }
    }
  }

 private:
  void pop(T* value) {
    list_.pop(value);
    if (capacity_.has_value()) room_.give_back();
  }

  BlockList<T> list_;
  alignas(base::kCacheLine) const std::optional<uint64_t> capacity_;
  std::atomic<uint64_t> senders_{1};
  alignas(base::kCacheLine) Room room_;
  Event closed_;
};

}  // namespace eddy::sync::mpsc

#endif  // EDDY_SYNC_MPSC_CHANNEL_H_
