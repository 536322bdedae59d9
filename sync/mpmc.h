// mpmc: a channel from many senders to many receivers, each message to one of
// them; bounded or not.
//
//   auto [sender, receiver] = eddy::sync::mpmc::create<Job>(/*capacity=*/100);
//
//   eddy::Task<> work(eddy::sync::mpmc::Receiver<Job> jobs) {
//     while (std::optional<Job> job = co_await jobs.recv()) run(*job);
//   }
//
//   eddy::spawn(work(receiver));               // any number of copies
//   co_await sender.send(std::move(job));      // waits while 100 are queued
//
// The example is run: tests/sync/examples_test.cc.
//
// create_unbounded<T>() makes one whose send() never waits. The channel ends
// when all senders are gone, or one of its ends has closed it: recv() then
// gives what was sent before, and after that an empty optional; or when all
// receivers are gone.
//
// It is a queue and two semaphores, of messages and of room. For one receiver
// take mpsc, which costs less.
//
// Threads: any. An end belongs to one task at a time, its copies to others.
//          What was written before send(), the receiver sees. Messages are
//          received in the order in which they were sent, and who waits is
//          served in the order of waiting.
// Cancel:  a dropped send() has sent nothing, and its value is gone: select()
//          and timeout() take it by reference only, and take_value() gives it
//          back. A dropped
//          recv() has received nothing; a message that was on its way to it
//          goes to the next.
// Errors:  send() answers false once the channel is closed. A T that may throw
//          when it is moved does not compile.
// Owner:   the ends share the channel. Values that nobody receives are
//          destroyed with the last receiver. A wait borrows its end, and may be
//          moved until its first poll.
#ifndef EDDY_SYNC_MPMC_H_
#define EDDY_SYNC_MPMC_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/channel_end.h"
#include "sync/mpmc_queue.h"
#include "sync/pooled.h"
#include "sync/semaphore_core.h"

namespace eddy::sync::mpmc {

// What the ends share.
template <class T>
class Channel {
 public:
  explicit Channel(std::optional<uint64_t> capacity)
      : capacity_(capacity), room_(capacity.value_or(0)), messages_(0) {}

  uint64_t capacity() const { return capacity_.value_or(0); }
  // Of a bounded one: a permit for each message that has room.
  SemaphoreCore& room() { return room_; }
  // A permit for each message in the queue; who waits for one has a message.
  SemaphoreCore& messages() { return messages_; }
  const Queue<T>& queue() const { return queue_; }

  // By who has room. False: it is closed, and `value` is as it was.
  bool push(T&& value) {
    Pooled<Message<T>> message = make(std::move(value));
    if (!queue_.push(message)) {
      value = std::move(message->value);
      return false;
    }
    messages_.release(1);
    return true;
  }
  // By who has a permit for a message, or, once it is closed, anybody. Empty:
  // it is closed, and others have received the last.
  std::optional<T> pop() {
    Pooled<Message<T>> message = queue_.pop();
    if (message == nullptr) return std::nullopt;
    if (capacity_.has_value()) room_.release(1);
    return std::move(message->value);
  }
  void close() {
    queue_.close();
    messages_.close();
    room_.close();
  }

  // relaxed: an end is only made from an end.
  void add_sender() { senders_.fetch_add(1, std::memory_order_relaxed); }
  void add_receiver() { receivers_.fetch_add(1, std::memory_order_relaxed); }
  void remove_sender() {
    // [last] what the others did comes before the end
    if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) close();
  }
  void remove_receiver() {
    // [last]
    if (receivers_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    close();
    while (pop().has_value()) {
    }
  }

 private:
  Pooled<Message<T>> make(T&& value) {
    try {
      return make_pooled<Message<T>>(std::move(value));
    } catch (...) {
      if (capacity_.has_value()) room_.release(1);
      throw;
    }
  }

  const std::optional<uint64_t> capacity_;
  std::atomic<uint64_t> senders_{0}, receivers_{0};
  SemaphoreCore room_, messages_;
  Queue<T> queue_;
};

// A Future of bool: false if the channel is closed, and the value lost.
template <class T>
class [[nodiscard]] Send {
 public:
  using Output = bool;
  // Its value: select() and timeout() take it by reference.
  static constexpr bool kLosesProgress = true;

  Send(Channel<T>& channel, T value)
      : channel_(channel), room_(channel.room(), 1), value_(std::move(value)) {}
  Send(Send&&) = default;

  Poll<bool> poll(Context& cx) {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return kPending;
    return *has_room && channel_.push(std::move(value_));
  }

  // Gives up: the value, which was not sent. Not to be polled after that.
  T take_value() { return std::move(value_); }

 private:
  Channel<T>& channel_;
  SemaphoreCore::Wait room_;
  T value_;
};

// What all senders have.
template <class T>
class SenderEnd : public ChannelEnd<Channel<T>, Side::kSender> {
 public:
  using ChannelEnd<Channel<T>, Side::kSender>::ChannelEnd;

  // No more can be sent; what was sent before can still be received.
  void close() { channel().close(); }
  bool is_closed() const { return channel().queue().is_closed(); }
  // How many messages are queued, at this moment.
  std::size_t size() const { return channel().queue().size(); }

 protected:
  using ChannelEnd<Channel<T>, Side::kSender>::channel;
};

// The sending end of a bounded channel.
template <class T>
class Sender : public SenderEnd<T> {
 public:
  using SenderEnd<T>::SenderEnd;

  Send<T> send(T value) { return Send<T>(channel(), std::move(value)); }
  // False: it is full, or others wait, or it is closed; `value` is as it was.
  bool try_send(T&& value) {
    return channel().room().try_acquire(1) && channel().push(std::move(value));
  }
  // On a thread that may block.
  bool blocking_send(T value) {
    return blocking_wait(send(std::move(value)), "blocking_send()");
  }
  uint64_t capacity() const { return channel().capacity(); }

 private:
  using SenderEnd<T>::channel;
};

// The sending end of an unbounded channel.
template <class T>
class UnboundedSender : public SenderEnd<T> {
 public:
  using SenderEnd<T>::SenderEnd;

  // False: the channel is closed, and `value` is as it was.
  bool send(T&& value) { return this->channel().push(std::move(value)); }
};

// A Future of an optional value: empty at the end of the channel.
template <class T>
class [[nodiscard]] Recv {
 public:
  using Output = std::optional<T>;

  explicit Recv(Channel<T>& channel)
      : channel_(channel), message_(channel.messages(), 1) {}
  Recv(Recv&&) = default;

  Poll<std::optional<T>> poll(Context& cx) {
    if (message_.poll(cx).is_pending()) return kPending;
    return channel_.pop();
  }

 private:
  Channel<T>& channel_;
  SemaphoreCore::Wait message_;
};

// The receiving end, of either kind.
template <class T>
class Receiver : public ChannelEnd<Channel<T>, Side::kReceiver> {
 public:
  using ChannelEnd<Channel<T>, Side::kReceiver>::ChannelEnd;

  Recv<T> recv() { return Recv<T>(channel()); }
  // A message that nobody waits for; pending if there is none, empty at the end
  // of the channel.
  Poll<std::optional<T>> try_recv() {
    if (!channel().messages().try_acquire(1) &&
        !channel().messages().is_closed()) {
      return kPending;
    }
    return channel().pop();
  }
  // On a thread that may block.
  std::optional<T> blocking_recv() {
    return blocking_wait(recv(), "blocking_recv()");
  }

  // No more can be sent; what was sent before can still be received.
  void close() { channel().close(); }
  bool is_closed() const { return channel().queue().is_closed(); }
  std::size_t size() const { return channel().queue().size(); }

 private:
  using ChannelEnd<Channel<T>, Side::kReceiver>::channel;
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
             "mpmc::create() with a capacity of 0, or beyond all bounds");
  return Ends<T, Sender>(std::make_shared<Channel<T>>(capacity));
}

template <class T>
Ends<T, UnboundedSender> create_unbounded() {
  return Ends<T, UnboundedSender>(std::make_shared<Channel<T>>(std::nullopt));
}

}  // namespace eddy::sync::mpmc

#endif  // EDDY_SYNC_MPMC_H_
