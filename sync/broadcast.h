// broadcast: a channel from many senders to many receivers, each of which gets
// every message.
//
//   auto [sender, receiver] = eddy::sync::broadcast::create<News>(
//       /*capacity=*/64);
//
//   eddy::Task<> read(eddy::sync::broadcast::Receiver<News> news) {
//     while (auto received = co_await news.recv()) {
//       if (received->missed > 0) catch_up();     // was too slow for so many
//       print(received->value);
//     }                                           // all senders are gone
//   }
//
//   sender.send(News("..."));                     // never waits
//   eddy::spawn(read(sender.subscribe()));        // from now on
//
// The example is run: tests/sync/examples_test.cc.
//
// The channel keeps the latest messages, as many as its capacity, which is
// rounded up to a power of two. A receiver that falls behind by more loses the
// oldest, and learns with the next message how many those were. A message is
// destroyed when another one takes its place, or with the channel.
//
// A message costs one lock to send, and no lock to receive. Receivers read it
// where it lies, and get copies.
//
// Threads: any. A Sender or Receiver belongs to one task at a time. What was
//          written before send(), who receives the message sees. All receivers
//          see the messages in the same order.
// Cancel:  a dropped recv() has received nothing.
// Errors:  send() answers false where nobody receives, or after close(). An
//          exception of T's copy leaves recv(), and the message is still to be
//          received.
// Owner:   the ends share the channel. A wait borrows its end, and may be moved
//          until its first poll.
#ifndef EDDY_SYNC_BROADCAST_H_
#define EDDY_SYNC_BROADCAST_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/broadcast_slot.h"
#include "sync/channel_end.h"
#include "sync/pooled.h"
#include "sync/receiver_count.h"
#include "sync/version.h"

namespace eddy::sync::broadcast {

// What the ends share: a ring of the latest messages. The version of `tail` is
// how many there were.
template <class T>
class Channel {
 public:
  explicit Channel(uint64_t capacity)
      : capacity_(std::bit_ceil(capacity)), slots_(new Slot<T>[capacity_]) {}

  uint64_t capacity() const { return capacity_; }
  Version& tail() { return tail_; }
  ReceiverCount& receivers() { return receivers_; }
  Slot<T>& slot(uint64_t position) {
    return slots_[position & (capacity_ - 1)];
  }

  // False: it is closed, and `value` as it was.
  bool push(T&& value) {
    if (tail_.is_closed()) return false;
    auto message = make_pooled<Message<T>>(std::move(value));
    Pooled<Message<T>> before;  // ends after the lock
    bool must_wake = false;
    {
      base::MutexLock lock(&senders_mutex_);
      const Version::Look tail = tail_.look();
      if (!tail.is_closed) {
        message->position = tail.number;
        before = slot(tail.number).replace(std::move(message));
        must_wake = tail_.step();
      }
    }
    if (message != nullptr) {
      value = std::move(message->value);
      return false;
    }
    if (must_wake) tail_.wake_waiters();
    return true;
  }
  // Under the lock: what is sent then is the last.
  void close() {
    {
      base::MutexLock lock(&senders_mutex_);
      tail_.stop();
    }
    tail_.wake_waiters();
  }

  // relaxed: a sender is only made from a sender.
  void add_sender() { senders_.fetch_add(1, std::memory_order_relaxed); }
  void remove_sender() {
    // [last] what the senders did comes before the end
    if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) close();
  }
  void add_receiver() { receivers_.add(); }
  void remove_receiver() { receivers_.remove(); }

 private:
  const uint64_t capacity_;
  const std::unique_ptr<Slot<T>[]> slots_;
  base::Mutex senders_mutex_;  // for replacing messages, and the end
  std::atomic<uint64_t> senders_{0};
  ReceiverCount receivers_;
  Version tail_;
};

template <class T>
class Receiver;

template <class T>
class Sender : public ChannelEnd<Channel<T>, Side::kSender> {
 public:
  using ChannelEnd<Channel<T>, Side::kSender>::ChannelEnd;

  // Never waits. False: nobody receives, or the channel was closed, and `value`
  // is as it was.
  bool send(T&& value) {
    return receiver_count() > 0 && channel().push(std::move(value));
  }
  // One that gets what is sent from now on.
  Receiver<T> subscribe() const;
  uint64_t receiver_count() const { return channel().receivers().get(); }
  // Ends the channel, for all senders; what was sent can still be received.
  void close() { channel().close(); }
  // A Future of void: there are no receivers.
  ReceiverCount::Closed closed() {
    return ReceiverCount::Closed(channel().receivers());
  }

 private:
  using ChannelEnd<Channel<T>, Side::kSender>::channel;
};

// A message, and how many the receiver has lost before it.
template <class T>
struct Received {
  Received(const T& copied, uint64_t lost) : value(copied), missed(lost) {}
  T value;
  uint64_t missed;
};

// A Future of an optional Received<T>: empty at the end of the channel.
template <class T>
class [[nodiscard]] Recv {
 public:
  using Output = std::optional<Received<T>>;

  explicit Recv(Receiver<T>& receiver)
      : receiver_(receiver), wait_(receiver.channel().tail()) {}
  Recv(Recv&&) = default;

  Poll<Output> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    for (;;) {
      Poll<Output> received = receiver_.try_recv();
      if (received.is_ready()) {
        cx.spend();
        return received;
      }
      if (wait_.poll(receiver_.next_, cx).is_pending()) return kPending;
    }
  }

 private:
  Receiver<T>& receiver_;
  Version::Wait wait_;
};

template <class T>
class Receiver : private ChannelEnd<Channel<T>, Side::kReceiver> {
  using End = ChannelEnd<Channel<T>, Side::kReceiver>;

 public:
  // Gets what is sent from now on.
  explicit Receiver(std::shared_ptr<Channel<T>> channel)
      : End(std::move(channel)), next_(this->channel().tail().now()) {}

  Recv<T> recv() { return Recv<T>(*this); }
  // What recv() would answer now: pending if there is nothing yet.
  Poll<std::optional<Received<T>>> try_recv() {
    const Version::Look tail = channel().tail().look();
    // A message in its slot may be received before its sender steps the tail.
    if (tail.number <= next_) {
      if (!tail.is_closed) return kPending;
      return std::optional<Received<T>>();
    }
    uint64_t oldest = oldest_before(tail.number);
    for (;;) {
      const uint64_t position = std::max(next_, oldest);
      typename Slot<T>::Pin message(channel().slot(position));
      if (message->position != position) {  // lost since the look at the tail
        oldest = oldest_before(message->position + 1);
        continue;
      }
      std::optional<Received<T>> received(std::in_place, message->value,
                                          position - next_);
      next_ = position + 1;
      return received;
    }
  }
  // On a thread that may block.
  std::optional<Received<T>> blocking_recv() {
    return blocking_wait(recv(), "blocking_recv()");
  }

  // Another receiver, which gets what is sent from now on.
  Receiver resubscribe() const { return Receiver(this->share()); }
  // How many messages there are to receive, at this moment.
  uint64_t size() const {
    const uint64_t tail = channel().tail().now();
    return next_ < tail ? std::min(tail - next_, channel().capacity()) : 0;
  }

 private:
  friend class Recv<T>;
  using End::channel;

  // The first message that is kept when there were so many.
  uint64_t oldest_before(uint64_t tail) const {
    return tail - std::min(tail, channel().capacity());
  }

  uint64_t next_;
};

template <class T>
Receiver<T> Sender<T>::subscribe() const {
  return Receiver<T>(this->share());
}

template <class T>
struct Ends {
  explicit Ends(const std::shared_ptr<Channel<T>>& channel)
      : sender(channel), receiver(channel) {}
  Sender<T> sender;
  Receiver<T> receiver;
};

// `auto [sender, receiver] = create<T>(capacity);`
template <class T>
Ends<T> create(uint64_t capacity) {
  EDDY_CHECK(capacity > 0 && capacity <= uint64_t{1} << 32,
             "broadcast::create() with a capacity of 0, or beyond all bounds");
  return Ends<T>(std::make_shared<Channel<T>>(capacity));
}

}  // namespace eddy::sync::broadcast

#endif  // EDDY_SYNC_BROADCAST_H_
