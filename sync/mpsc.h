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
// each where the channel is bounded, and those on lines that the two ends
// seldom share. Only a receiver that waits is woken, and by the very message
// that it waits for. Where two cores send at the same moment, one of them goes on
// and the other pauses for microseconds. Memory grows and shrinks with the queue,
// by blocks of some 32 messages.
//
// Threads: any. A Sender belongs to one task at a time, its copies to others;
//          the Receiver to one. What was written before send(), the receiver
//          sees. Messages of one sender come in their order. Who waits to send
//          is served in the order of waiting.
// Cancel:  a dropped send() has sent nothing, and its value is gone: select()
//          and timeout() take it by reference only, and take_value() gives it
//          back; or take a reserve() first. A dropped recv() has received
//          nothing; its waker is kept until the next message, which may then
//          cause a poll too many. A dropped send_timeout() leaves its value as
//          it was.
// Errors:  send() answers false once the receiver is gone or has closed the
//          channel. A T that may throw when it is moved does not compile. If
//          the vector of recv_many() has no memory for a value, it throws: what
//          is in the vector was received, and the rest stays in the channel.
// Owner:   the channel belongs to its ends. Values that nobody receives are
//          destroyed with the receiver, or the last end. A wait to send borrows
//          its Sender, one to receive the Receiver; it may be moved until its
//          first poll.
#ifndef EDDY_SYNC_MPSC_H_
#define EDDY_SYNC_MPSC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/task/cursor.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/mpsc_channel.h"
#include "sync/mpsc_sender.h"
#include "sync/semaphore_core.h"
#include "sync/step_awaiter.h"

namespace eddy::sync::mpsc {

// A Future of an optional value: empty at the end of the channel.
template <class T>
class [[nodiscard]] Recv {
 public:
  using Output = std::optional<T>;

  explicit Recv(Channel<T>& channel) : channel_(channel) {}

  Poll<std::optional<T>> poll(Context& cx) {
    if (!step(cx)) return kPending;
    return take();
  }
  // See PollsNow.
  Poll<std::optional<T>> poll_now(Context& cx) {
    BlockList<T>& list = channel_.list();
    if (!cx.has_budget() || (list.front() == nullptr && !list.is_at_end())) {
      return kPending;
    }
    cx.spend();
    return take();
  }

  // See StepAwaiter.
  auto await_in(task::PromiseBase& frame) {
    return StepAwaiter<Recv>(*this, frame);
  }
  bool step(Context& cx) noexcept {
    if (!cx.has_budget()) {
      cx.request_wake();
      return false;
    }
    BlockList<T>& list = channel_.list();
    while (list.front() == nullptr && !list.is_at_end()) {
      if (list.wait(cx.waker())) return false;
    }
    cx.spend();
    return true;
  }
  std::optional<T> take() { return channel_.take(); }

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
      while (count < limit_ && channel_.take_into(into_)) ++count;
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
    Waker unused = channel_->close();
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

  // No more can be sent; what was sent before can still be received. A recv()
  // that waits, in another future of the receiver's task, is woken.
  void close() { channel_->close().wake(); }
  bool is_closed() const { return channel_->list().is_closed(); }
  // How many messages are queued: a step for each block of them.
  std::size_t size() const { return channel_->list().size(); }

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
