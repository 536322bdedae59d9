// oneshot: a channel for one value, from one sender to one receiver.
//
//   auto [sender, receiver] = eddy::sync::oneshot::create<int>();
//   eddy::spawn(compute(std::move(sender)));   // std::move(sender).send(42)
//   std::optional<int> answer = co_await receiver;
//
// Threads: sender and receiver may be on different ones; each belongs to one.
//          What was written before send(), the receiver sees.
// Cancel:  dropping the receiver tells the sender, is_closed() and closed();
//          dropping the sender gives the receiver an empty optional.
// Errors:  none; a closed channel is not an error. Receiving twice is misuse.
// Owner:   the channel belongs to both; a value that nobody receives is
// destroyed
//          with the receiver.
#ifndef EDDY_SYNC_ONESHOT_H_
#define EDDY_SYNC_ONESHOT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/task/future.h"

namespace eddy::sync::oneshot {

// The part of a channel that knows nothing of its value.
//
//   state    by                 to       the value belongs to
//   -------  -----------------  -------  --------------------
//   kOpen    send()             kSent    the sender until then
//   kOpen    end_of_sender()    kEnded   nobody
//   kOpen    close()            kClosed  the sender
//   kSent    close()            kSent    the receiver
class Core {
 public:
  enum class State : uint8_t { kOpen, kSent, kEnded, kClosed };

  Core() {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // The sender's side. False: the receiver is gone.
  bool send() { return end_with(State::kSent); }
  void end_of_sender() { (void)end_with(State::kEnded); }
  bool is_closed();
  Poll<void> poll_closed(Context& cx);
  void forget_sender();

  // The receiver's side. Never kOpen.
  Poll<State> poll_end(Context& cx);
  void forget_receiver();
  // No value will be taken that has not been sent. True if one has.
  bool close();

 private:
  bool end_with(State end);

  base::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kOpen;
  Waker receiver_ ABSL_GUARDED_BY(mutex_);  // waits for the end
  Waker sender_ ABSL_GUARDED_BY(mutex_);    // waits for kClosed
};

template <class T>
struct Channel : Core {
  Channel() {}
  std::optional<T> value;
};

// A Future of void: the receiver is gone. May outlive the sender.
class [[nodiscard]] Closed {
 public:
  using Output = void;

  explicit Closed(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  Closed(Closed&&) noexcept = default;
  Closed& operator=(Closed&&) = delete;
  ~Closed() {
    if (core_ != nullptr) core_->forget_sender();
  }

  Poll<void> poll(Context& cx) { return core_->poll_closed(cx); }

 private:
  std::shared_ptr<Core> core_;  // null: moved from
};

template <class T>
class Sender {
 public:
  explicit Sender(std::shared_ptr<Channel<T>> channel)
      : channel_(std::move(channel)) {}
  Sender(Sender&&) noexcept = default;
  Sender& operator=(Sender other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Sender() {
    if (channel_ != nullptr) channel_->end_of_sender();
  }

  // False: the receiver is gone, and `value` is as it was.
  bool send(T&& value) && {
    EDDY_CHECK(channel_ != nullptr, "a oneshot::Sender sends twice");
    const std::shared_ptr<Channel<T>> channel = std::move(channel_);
    channel->value.emplace(std::move(value));
    if (channel->send()) return true;
    value = *std::move(channel->value);
    return false;
  }

  // True once the receiver is gone.
  bool is_closed() const { return channel_->is_closed(); }
  // Waits for that.
  Closed closed() { return Closed(channel_); }

 private:
  std::shared_ptr<Channel<T>> channel_;  // null: has sent, or was moved from
};

// A Future of std::optional<T>: empty if the sender went without a value.
template <class T>
class [[nodiscard]] Receiver {
 public:
  using Output = std::optional<T>;

  explicit Receiver(std::shared_ptr<Channel<T>> channel)
      : channel_(std::move(channel)) {}
  Receiver(Receiver&&) noexcept = default;
  Receiver& operator=(Receiver other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Receiver() {
    if (channel_ == nullptr) return;
    channel_->forget_receiver();
    if (channel_->close()) channel_->value.reset();
  }

  Poll<std::optional<T>> poll(Context& cx) {
    EDDY_CHECK(channel_ != nullptr, "a oneshot::Receiver receives twice");
    Poll<Core::State> end = channel_->poll_end(cx);
    if (end.is_pending()) return kPending;
    const std::shared_ptr<Channel<T>> channel = std::move(channel_);
    if (*end != Core::State::kSent) return std::optional<T>();
    return std::exchange(channel->value, std::nullopt);
  }

  // Tells the sender that its value will not be wanted. One that was sent
  // before can still be received.
  void close() {
    if (channel_ != nullptr) (void)channel_->close();
  }

 private:
  std::shared_ptr<Channel<T>>
      channel_;  // null: has received, or was moved from
};

template <class T>
struct Ends {
  explicit Ends(const std::shared_ptr<Channel<T>>& channel)
      : sender(channel), receiver(channel) {}
  Sender<T> sender;
  Receiver<T> receiver;
};

// A new channel: `auto [sender, receiver] = create<T>();`
template <class T>
Ends<T> create() {
  return Ends<T>(std::make_shared<Channel<T>>());
}

}  // namespace eddy::sync::oneshot

#endif  // EDDY_SYNC_ONESHOT_H_
