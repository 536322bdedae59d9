// The places of a broadcast channel: each holds the latest of the messages that
// came to it, which many may read while another one takes its place.
//
//   word  bits  0..47  the message, or none
//               48..63 pins: how many are reading it
//
// A pin is taken with the message in one step, and given back to the word, or,
// if another message has taken the place, to the message itself: whoever
// replaces one adds the pins that it had to the count in the message, each
// reader takes away one, and who brings that count to 0 frees the message. So
// nobody waits, and no message is freed while it is read.
//
//   from     by         to                 the caller must
//   -------  ---------  -----------------  -------------------------------
//   any      pin()      +1 pin             unpin()
//   pinned   unpin()    -1 pin             -
//   another  unpin()    -, message: -1     free it if that makes 0
//   any      replace()  another, no pins   add pins; free it if that makes 0
//
// An exchange of unpin() is not misled by a message that was freed and came
// back, since a message that is pinned is not freed.
//
// Memory order: every edge is an acq_rel read-modify-write.
//   [message] replace() -> pin(): the message is as its sender wrote it.
//   [free]    unpin() -> replace() or the last unpin(): nobody reads any more.
//
// Threads: pin() and unpin() any; replace() by one at a time.
// Owner:   the message in it.
#ifndef EDDY_SYNC_BROADCAST_SLOT_H_
#define EDDY_SYNC_BROADCAST_SLOT_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "runtime/base/bits.h"
#include "sync/pooled.h"

namespace eddy::sync::broadcast {

template <class T>
class Message {
 public:
  explicit Message(T&& from) : value(std::move(from)) {}

  T value;
  uint64_t position = 0;  // which of the channel's messages it is

  // True: nobody reads it any more, and it has been replaced.
  bool add_readers(int64_t count) {
    // [free]
    return readers_.fetch_add(count, std::memory_order_acq_rel) + count == 0;
  }

 private:
  // Since it was replaced; those who went before count as negative.
  std::atomic<int64_t> readers_{0};
};

template <class T>
class alignas(base::kCacheLine) Slot {
  static_assert(sizeof(uintptr_t) == sizeof(uint64_t));

 public:
  using Owner = Pooled<Message<T>>;

  // A message that is read. It stays as long as its Pin.
  class Pin {
   public:
    explicit Pin(Slot& slot)
        // [message] acquire
        : slot_(slot),
          message_(message_of(slot.word_.fetch_add(kPin, kAcqRel))) {}
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { slot_.unpin(message_); }

    const Message<T>& operator*() const { return *message_; }
    const Message<T>* operator->() const { return message_; }

   private:
    Slot& slot_;
    Message<T>* message_;
  };

  Slot() {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { (void)replace(nullptr); }

  // Gives the message before, if there was one and nobody reads it: so that its
  // end can wait for that of a lock.
  [[nodiscard]] Owner replace(Owner message) {
    // [message] release, [free] acquire
    const uint64_t old = word_.exchange(word_of(message.release()), kAcqRel);
    Message<T>* before = message_of(old);
    if (before == nullptr || !before->add_readers(old / kPin)) return nullptr;
    return Owner(before);
  }

 private:
  static constexpr uint64_t kPin = uint64_t{1} << 48;
  static constexpr auto kAcqRel = std::memory_order_acq_rel;

  static uint64_t word_of(Message<T>* message) {
    return reinterpret_cast<uintptr_t>(message);
  }
  static Message<T>* message_of(uint64_t word) {
    return reinterpret_cast<Message<T>*>(word & (kPin - 1));
  }

  void unpin(Message<T>* message) {
    // relaxed: only the exchange counts.
    uint64_t now = word_.load(std::memory_order_relaxed);
    while (message_of(now) == message) {
      // [free] release
      if (word_.compare_exchange_weak(now, now - kPin, kAcqRel,
                                      std::memory_order_relaxed)) {
        return;
      }
    }
    // [free]
    if (message->add_readers(-1)) Owner freed(message);
  }

  std::atomic<uint64_t> word_{0};
};

}  // namespace eddy::sync::broadcast

#endif  // EDDY_SYNC_BROADCAST_SLOT_H_
