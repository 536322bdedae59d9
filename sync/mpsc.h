// mpsc: a channel from many senders to one receiver, bounded or not.
//
//   auto [sender, receiver] = eddy::sync::mpsc::create<Job>(/*capacity=*/100);
//   eddy::spawn(produce(sender));              // any number of copies
//   ...
//   co_await sender.send(std::move(job));      // waits while 100 are queued
//   ...
//   while (std::optional<Job> job = co_await receiver.recv()) run(*job);
//
// create_unbounded<T>() makes one whose send() never waits. The channel ends
// when all senders are gone, or the receiver has closed it: recv() then gives
// what was sent before, and after that an empty optional.
//
// A message costs two read-modify-writes to send and none to receive; one more
// each where the channel is bounded. Only a receiver that waits is woken, and
// by the very message that it waits for. Memory grows and shrinks with the
// queue, by blocks of some 32 messages.
//
// Threads: any. A Sender belongs to one task at a time, its copies to others;
//          the Receiver to one. What was written before send(), the receiver
//          sees. Messages of one sender come in their order. Who waits to send
//          is served in the order of waiting.
// Cancel:  a dropped send() has sent nothing, and its value is gone; take a
//          reserve() where it must not be. A dropped recv() has received
//          nothing; its waker is kept until the next message, which may then
//          cause a poll too many.
// Errors:  send() answers false once the receiver is gone or has closed the
//          channel. A T that may throw when it is moved does not compile.
// Owner:   the channel belongs to its ends. Values that nobody receives are
//          destroyed with the receiver, or the last end. A wait to send borrows
//          its Sender, one to receive the Receiver; it may be moved until its
//          first poll.
#ifndef EDDY_SYNC_MPSC_H_
#define EDDY_SYNC_MPSC_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/base/check.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/mpsc_list.h"
#include "sync/semaphore_core.h"

namespace eddy::sync::mpsc {

// What the ends share. Ends when the count of senders comes to 0, or the
// receiver closes it.
template <class T>
class Channel {
 public:
  explicit Channel(std::optional<uint64_t> capacity)
      : capacity_(capacity), free_(capacity.value_or(0)) {}

  BlockList<T>& list() { return list_; }
  // Of a bounded one: a permit for each message that has room.
  SemaphoreCore& free() { return free_; }
  uint64_t capacity() const { return capacity_.value_or(0); }

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

  // By the receiver.
  void close() {
    Waker unused = list_.close();  // its own
    if (capacity_.has_value()) free_.close();
  }
  std::optional<T> take() {
    T* value = list_.front();
    if (value == nullptr) return std::nullopt;
    std::optional<T> taken(std::move(*value));
    list_.pop(value);
    if (capacity_.has_value()) free_.release(1);
    return taken;
  }
  void drop_all() {
    while (T* value = list_.front()) list_.pop(value);
    list_.stop_waiting();
  }

 private:
  BlockList<T> list_;
  alignas(base::kCacheLine) const std::optional<uint64_t> capacity_;
  std::atomic<uint64_t> senders_{1};
  alignas(base::kCacheLine) SemaphoreCore free_;
};

// Room for one message, which is kept until send() or the end.
template <class T>
class [[nodiscard]] Permit {
 public:
  explicit Permit(Channel<T>& channel) : channel_(&channel) {}
  Permit(Permit&& other) noexcept
      : channel_(std::exchange(other.channel_, nullptr)) {}
  Permit& operator=(Permit other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Permit() {
    if (channel_ != nullptr) channel_->free().release(1);
  }

  // Does not wait. False: the channel is closed, and `value` is as it was.
  bool send(T&& value) && {
    EDDY_CHECK(channel_ != nullptr, "an mpsc::Permit sends twice");
    if (!channel_->list().push(std::move(value))) return false;
    channel_ = nullptr;
    return true;
  }

 private:
  Channel<T>* channel_;  // null: has sent, or was moved from
};

// A Future of an optional Permit: empty if the channel is closed.
template <class T>
class [[nodiscard]] Reserve {
 public:
  using Output = std::optional<Permit<T>>;

  explicit Reserve(Channel<T>& channel)
      : channel_(channel), room_(channel.free(), 1) {}
  Reserve(Reserve&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return kPending;
    if (!*has_room) return Output();
    return Output(std::in_place, channel_);
  }

 private:
  Channel<T>& channel_;
  SemaphoreCore::Wait room_;
};

// A Future of bool: false if the channel is closed, and the value lost.
template <class T>
class [[nodiscard]] Send {
 public:
  using Output = bool;

  Send(Channel<T>& channel, T value)
      : channel_(channel), room_(channel.free(), 1), value_(std::move(value)) {}
  Send(Send&&) = default;

  Poll<bool> poll(Context& cx) {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return kPending;
    return *has_room && Permit<T>(channel_).send(std::move(value_));
  }

 private:
  Channel<T>& channel_;
  SemaphoreCore::Wait room_;
  T value_;
};

// What all senders have: a share in the channel, counted.
template <class T>
class SenderEnd {
 public:
  explicit SenderEnd(std::shared_ptr<Channel<T>> channel)
      : channel_(std::move(channel)) {}
  SenderEnd(const SenderEnd& other) : channel_(other.channel_) {
    if (channel_ != nullptr) channel_->add_sender();
  }
  SenderEnd(SenderEnd&&) noexcept = default;
  SenderEnd& operator=(SenderEnd other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~SenderEnd() {
    if (channel_ != nullptr) channel_->remove_sender();
  }

  // The receiver is gone, or has closed the channel.
  bool is_closed() const { return channel_->list().is_closed(); }

 protected:
  Channel<T>& channel() const { return *channel_; }
  const std::shared_ptr<Channel<T>>& share() const { return channel_; }

 private:
  std::shared_ptr<Channel<T>> channel_;  // null: moved from
};

// Knows a channel without keeping it open.
template <class T, template <class> class S>
class BasicWeakSender {
 public:
  explicit BasicWeakSender(std::shared_ptr<Channel<T>> channel)
      : channel_(std::move(channel)) {}

  // Empty if no sender is left.
  std::optional<S<T>> upgrade() const {
    if (!channel_->add_sender_unless_ended()) return std::nullopt;
    return S<T>(channel_);
  }

 private:
  std::shared_ptr<Channel<T>> channel_;
};

// The sending end of a bounded channel. Copies are senders of their own.
template <class T>
class Sender : public SenderEnd<T> {
 public:
  using SenderEnd<T>::SenderEnd;

  Send<T> send(T value) { return Send<T>(channel(), std::move(value)); }
  // False: it is full, or others wait, or it is closed; `value` is as it was.
  bool try_send(T&& value) {
    if (!channel().free().try_acquire(1)) return false;
    return Permit<T>(channel()).send(std::move(value));
  }
  // Room first, then the value.
  Reserve<T> reserve() { return Reserve<T>(channel()); }
  std::optional<Permit<T>> try_reserve() {
    if (!channel().free().try_acquire(1)) return std::nullopt;
    return Permit<T>(channel());
  }
  // On a thread that may block.
  bool blocking_send(T value) {
    return blocking_wait(send(std::move(value)), "blocking_send()");
  }

  // Room for how many messages there is now, and is at most.
  uint64_t capacity() const { return channel().free().available(); }
  uint64_t max_capacity() const { return channel().capacity(); }

  BasicWeakSender<T, Sender> downgrade() const {
    return BasicWeakSender<T, Sender>(this->share());
  }

 private:
  using SenderEnd<T>::channel;
};

// The sending end of an unbounded channel.
template <class T>
class UnboundedSender : public SenderEnd<T> {
 public:
  using SenderEnd<T>::SenderEnd;

  // False: the channel is closed, and `value` is as it was.
  bool send(T&& value) { return this->channel().list().push(std::move(value)); }

  BasicWeakSender<T, mpsc::UnboundedSender> downgrade() const {
    return BasicWeakSender<T, mpsc::UnboundedSender>(this->share());
  }
};

template <class T>
using WeakSender = BasicWeakSender<T, Sender>;
template <class T>
using WeakUnboundedSender = BasicWeakSender<T, UnboundedSender>;

// A Future of an optional value: empty at the end of the channel.
template <class T>
class [[nodiscard]] Recv {
 public:
  using Output = std::optional<T>;

  explicit Recv(Channel<T>& channel) : channel_(channel) {}

  Poll<std::optional<T>> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    for (;;) {
      if (std::optional<T> value = channel_.take()) {
        cx.spend();
        return value;
      }
      if (channel_.list().is_at_end()) return std::optional<T>();
      if (channel_.list().wait(cx.waker())) return kPending;
    }
  }

 private:
  Channel<T>& channel_;
};

// A Future of the number of values that were added to the vector: 1 to `limit`,
// or 0 at the end of the channel.
template <class T>
class [[nodiscard]] RecvMany {
 public:
  using Output = std::size_t;

  RecvMany(Channel<T>& channel, std::vector<T>& into, std::size_t limit)
      : channel_(channel), into_(into), limit_(limit) {}

  Poll<std::size_t> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    for (;;) {
      std::size_t count = 0;
      while (count < limit_) {
        std::optional<T> value = channel_.take();
        if (!value.has_value()) break;
        into_.push_back(*std::move(value));
        ++count;
      }
      if (count > 0) cx.spend();
      if (count > 0 || channel_.list().is_at_end()) return count;
      if (channel_.list().wait(cx.waker())) return kPending;
    }
  }

 private:
  Channel<T>& channel_;
  std::vector<T>& into_;
  const std::size_t limit_;
};

// The receiving end, of either kind.
template <class T>
class Receiver {
 public:
  explicit Receiver(std::shared_ptr<Channel<T>> channel)
      : channel_(std::move(channel)) {}
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Receiver() {
    if (channel_ == nullptr) return;
    channel_->close();
    channel_->drop_all();
  }

  Recv<T> recv() { return Recv<T>(*channel_); }
  // At most `limit` at once, at least 1.
  RecvMany<T> recv_many(std::vector<T>& into, std::size_t limit) {
    return RecvMany<T>(*channel_, into, limit);
  }
  // What recv() would answer now: pending if there is nothing yet.
  Poll<std::optional<T>> try_recv() {
    if (std::optional<T> value = channel_->take()) return value;
    if (channel_->list().is_at_end()) return std::optional<T>();
    return kPending;
  }
  // On a thread that may block.
  std::optional<T> blocking_recv() {
    return blocking_wait(recv(), "blocking_recv()");
  }

  // No more can be sent; what was sent before can still be received.
  void close() { channel_->close(); }

 private:
  std::shared_ptr<Channel<T>> channel_;  // null: moved from
};

template <class T, template <class> class S>
struct Ends {
  explicit Ends(const std::shared_ptr<Channel<T>>& channel)
      : sender(channel), receiver(channel) {}
  S<T> sender;
  Receiver<T> receiver;
};

// `auto [sender, receiver] = create<T>(capacity);`
template <class T>
Ends<T, Sender> create(uint64_t capacity) {
  EDDY_CHECK(capacity > 0 && capacity <= SemaphoreCore::kMaxPermits,
             "mpsc::create() with a capacity of 0, or beyond all bounds");
  return Ends<T, Sender>(std::make_shared<Channel<T>>(capacity));
}

template <class T>
Ends<T, UnboundedSender> create_unbounded() {
  return Ends<T, UnboundedSender>(std::make_shared<Channel<T>>(std::nullopt));
}

}  // namespace eddy::sync::mpsc

#endif  // EDDY_SYNC_MPSC_H_
