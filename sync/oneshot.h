// oneshot: a channel for one value, from one sender to one receiver.
//
//   auto [sender, receiver] = eddy::sync::oneshot::create<int>();
//   eddy::spawn(compute(std::move(sender)));   // std::move(sender).send(42)
//   std::optional<int> answer = co_await receiver;
//
// A channel is one allocation, of the pool of task frames. Where the value is
// there before it is waited for, it costs one read-modify-write in all; a
// receiver that waits costs one more.
//
// Threads: sender and receiver may be on different ones; each belongs to one.
//          What was written before send(), the receiver sees; what was written
//          before close(), a sender sees that is told so.
// Cancel:  dropping the receiver tells the sender, is_closed() and closed();
//          dropping the sender gives the receiver an empty optional. A receiver
//          that a select() borrows and drops has received nothing.
// Errors:  none; a closed channel is not an error. Receiving twice is misuse.
//          What T throws as it is moved goes to who sends or receives it then:
//          see send(). A value that was on its way out of the channel is lost.
// Owner:   the channel belongs to both; a value that nobody receives is
//          destroyed with the receiver.
#ifndef EDDY_SYNC_ONESHOT_H_
#define EDDY_SYNC_ONESHOT_H_

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/task/frame_pool.h"
#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/event.h"
#include "sync/oneshot_core.h"

namespace eddy::sync::oneshot {

template <class T>
class Channel : public Core {
 public:
  static Channel* create() {
    void* memory = kIsPooled ? task::frame_pool::allocate(sizeof(Channel))
                             : ::operator new(sizeof(Channel), kAlignment);
    return ::new (memory) Channel;
  }
  void free() noexcept {
    this->~Channel();
    if (kIsPooled) {
      task::frame_pool::deallocate(this, sizeof(Channel));
    } else {
      ::operator delete(this, kAlignment);
    }
  }

  // The value's life is that of the protocol; see Core.
  T* value() { return &value_; }

 private:
  static constexpr std::align_val_t kAlignment{alignof(T)};
  static constexpr bool kIsPooled = alignof(T) <= task::frame_pool::kGranule;

  Channel() {}
  ~Channel() {}

  union {
    T value_;
  };
};

// A Future of void: the receiver has closed the channel, or is gone. May
// outlive the sender, and be moved until its first poll.
class [[nodiscard]] Closed {
 public:
  using Output = void;

  explicit Closed(std::shared_ptr<Event> closed)
      : closed_(std::move(closed)), wait_(closed_->wait()) {}
  Closed(Closed&&) = default;

  Poll<void> poll(Context& cx) { return wait_.poll(cx); }

 private:
  std::shared_ptr<Event> closed_;
  Event::Wait wait_;
};

template <class T>
class Sender {
 public:
  explicit Sender(Channel<T>* channel) : channel_(channel) {}
  Sender(Sender&& other) noexcept
      : channel_(std::exchange(other.channel_, nullptr)) {}
  Sender& operator=(Sender other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Sender() {
    if (channel_ != nullptr && !channel_->end_sender()) leave();
  }

  // False: the receiver is gone, and `value` is as it was. If T throws as it is
  // moved to the channel, nothing was sent, and the sender may send again.
  bool send(T&& value) && {
    EDDY_CHECK(channel_ != nullptr, "a oneshot::Sender sends twice");
    std::construct_at(channel_->value(), std::move(value));
    if (channel_->send()) {
      channel_ = nullptr;
      return true;
    }
    const Refused refused(*this);
    value = std::move(*channel_->value());
    return false;
  }

  // True once the receiver is gone.
  bool is_closed() const { return channel_->is_closed(); }
  // Waits for that. Allocates at the first call.
  Closed closed() { return Closed(channel_->watch()); }

 private:
  // What was not sent is in the channel: destroys it, and leaves.
  class Refused {
   public:
    explicit Refused(Sender& sender) : sender_(sender) {}
    Refused(const Refused&) = delete;
    Refused& operator=(const Refused&) = delete;
    ~Refused() {
      std::destroy_at(sender_.channel_->value());
      sender_.leave();
    }

   private:
    Sender& sender_;
  };

  void leave() noexcept {
    Channel<T>* channel = std::exchange(channel_, nullptr);
    if (channel->leave()) channel->free();
  }

  Channel<T>* channel_;  // null: has sent, or was moved from
};

// A Future of std::optional<T>: empty if the sender went without a value.
template <class T>
class [[nodiscard]] Receiver {
 public:
  using Output = std::optional<T>;

  explicit Receiver(Channel<T>* channel) : channel_(channel) {}
  Receiver(Receiver&& other) noexcept
      : channel_(std::exchange(other.channel_, nullptr)) {}
  Receiver& operator=(Receiver other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~Receiver() {
    if (channel_ != nullptr) LastLook(channel_, channel_->close());
  }

  Poll<std::optional<T>> poll(Context& cx) {
    EDDY_CHECK(channel_ != nullptr, "a oneshot::Receiver receives twice");
    Poll<Core::Outcome> polled = channel_->poll_end(cx);
    if (polled.is_pending()) return kPending;
    LastLook last(std::exchange(channel_, nullptr), *polled);
    return last.take();
  }

  // What poll() would answer now: pending if nothing was sent yet.
  Poll<std::optional<T>> try_recv() {
    EDDY_CHECK(channel_ != nullptr, "a oneshot::Receiver receives twice");
    Poll<Core::Outcome> ended = channel_->look();
    if (ended.is_pending()) return kPending;
    LastLook last(std::exchange(channel_, nullptr), *ended);
    return last.take();
  }
  // On a thread that may block.
  std::optional<T> blocking_recv() && {
    return blocking_wait(*this, "blocking_recv()");
  }

  // Tells the sender that its value will not be wanted. One that was sent
  // before can still be received.
  void close() {
    if (channel_ == nullptr) return;
    // Another future of the receiver's task may wait.
    Waker waiting;
    (void)channel_->close(&waiting);
    std::move(waiting).wake();
  }

 private:
  // The receiver's last look at the channel: destroys the value, and leaves.
  class LastLook {
   public:
    LastLook(Channel<T>* channel, Core::Outcome how)
        : channel_(*channel), how_(how) {}
    LastLook(const LastLook&) = delete;
    LastLook& operator=(const LastLook&) = delete;
    ~LastLook() {
      if (how_ == Core::Outcome::kSent) std::destroy_at(channel_.value());
      if (channel_.leave_receiver()) channel_.free();
    }

    std::optional<T> take() {
      if (how_ == Core::Outcome::kEmpty) return std::nullopt;
      return std::move(*channel_.value());
    }

   private:
    Channel<T>& channel_;
    const Core::Outcome how_;
  };

  Channel<T>* channel_;  // null: has received, or was moved from
};

template <class T>
struct Ends {
  explicit Ends(Channel<T>* channel) : sender(channel), receiver(channel) {}
  Sender<T> sender;
  Receiver<T> receiver;
};

// A new channel: `auto [sender, receiver] = create<T>();`
template <class T>
Ends<T> create() {
  return Ends<T>(Channel<T>::create());
}

}  // namespace eddy::sync::oneshot

#endif  // EDDY_SYNC_ONESHOT_H_
