// The sending side of mpsc: senders, and room that they have. mpsc.h has the
// contract.
#ifndef EDDY_SYNC_MPSC_SENDER_H_
#define EDDY_SYNC_MPSC_SENDER_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "runtime/base/check.h"
#include "runtime/task/cursor.h"
#include "runtime/task/future.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/timeout.h"
#include "sync/blocking_wait.h"
#include "sync/event.h"
#include "sync/mpsc_channel.h"
#include "sync/mpsc_room.h"
#include "sync/step_awaiter.h"

namespace eddy::sync::mpsc {

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
    if (channel_ != nullptr) channel_->room().release(1);
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
      : channel_(channel), room_(channel.room(), 1) {}
  Reserve(Reserve&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return kPending;
    if (!*has_room) return Output();
    return Output(std::in_place, channel_);
  }

 private:
  Channel<T>& channel_;
  Room::Wait room_;
};

// Room for several messages, or what is left of it.
template <class T>
class [[nodiscard]] Permits {
 public:
  Permits(Channel<T>& channel, uint64_t count)
      : channel_(&channel), count_(count) {}
  Permits(Permits&& other) noexcept
      : channel_(other.channel_), count_(std::exchange(other.count_, 0)) {}
  Permits& operator=(Permits other) noexcept {
    std::swap(channel_, other.channel_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Permits() {
    if (count_ > 0) channel_->room().release(count_);
  }

  uint64_t count() const { return count_; }
  // Does not wait. False: the channel is closed, and `value` is as it was.
  bool send(T&& value) {
    EDDY_CHECK(count_ > 0, "mpsc::Permits send more than they have room for");
    if (!channel_->list().push(std::move(value))) return false;
    --count_;
    return true;
  }

 private:
  Channel<T>* channel_;
  uint64_t count_;
};

// A Future of optional Permits: empty if the channel is closed.
template <class T>
class [[nodiscard]] ReserveMany {
 public:
  using Output = std::optional<Permits<T>>;

  ReserveMany(Channel<T>& channel, uint64_t count)
      : channel_(channel), count_(count), room_(channel.room(), count) {
    EDDY_CHECK(count <= channel.capacity(),
               "room for more messages than an mpsc channel has in all");
  }
  ReserveMany(ReserveMany&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return kPending;
    if (!*has_room) return Output();
    return Output(std::in_place, channel_, count_);
  }

 private:
  Channel<T>& channel_;
  const uint64_t count_;
  Room::Wait room_;
};

// A Future of absl::Status: kDeadlineExceeded, there was no room in time;
// kUnavailable, the channel is closed. In both cases the value is as it was.
template <class T>
class [[nodiscard]] SendTimeout {
 public:
  using Output = absl::Status;

  SendTimeout(Channel<T>& channel, T& value, time::Instant deadline)
      : value_(value),
        reserve_(time::timeout_at(deadline, Reserve<T>(channel))) {}
  SendTimeout(SendTimeout&&) = default;

  Poll<absl::Status> poll(Context& cx) {
    auto reserved = reserve_.poll(cx);
    if (reserved.is_pending()) return kPending;
    if (!reserved->ok()) return reserved->status();
    std::optional<Permit<T>>& permit = **reserved;
    if (permit.has_value() && std::move(*permit).send(std::move(value_))) {
      return absl::OkStatus();
    }
    return absl::UnavailableError("the channel is closed");
  }

 private:
  T& value_;
  time::Timeout<Reserve<T>> reserve_;
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
    if (!step(cx)) return kPending;
    return take();
  }

  // Gives up: the value, which was not sent. Not to be polled after that.
  T take_value() { return std::move(value_); }

  // See StepAwaiter.
  auto await_in(task::PromiseBase& frame) {
    return StepAwaiter<Send>(*this, frame);
  }
  bool step(Context& cx) noexcept {
    Poll<bool> has_room = room_.poll(cx);
    if (has_room.is_pending()) return false;
    has_room_ = *has_room;
    return true;
  }
  bool take() {
    return has_room_ && Permit<T>(channel_).send(std::move(value_));
  }

 private:
  Channel<T>& channel_;
  Room::Wait room_;
  T value_;
  bool has_room_ = false;  // once step() was true
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
  // A Future of void: waits for that. Borrows this sender.
  Event::Wait closed() { return channel_->closed().wait(); }

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

template <class T>
class OwnedPermit;
template <class T>
class ReserveOwned;

// The sending end of a bounded channel. Copies are senders of their own.
template <class T>
class Sender : public SenderEnd<T> {
 public:
  using SenderEnd<T>::SenderEnd;

  Send<T> send(T value) { return Send<T>(channel(), std::move(value)); }
  // False: it is full, or others wait, or another sender is just about to take
  // what room there is; or it is closed. `value` is as it was.
  bool try_send(T&& value) {
    if (!channel().room().try_take(1)) return false;
    return Permit<T>(channel()).send(std::move(value));
  }
  // Room first, then the value.
  Reserve<T> reserve() { return Reserve<T>(channel()); }
  std::optional<Permit<T>> try_reserve() {
    if (!channel().room().try_take(1)) return std::nullopt;
    return Permit<T>(channel());
  }
  // All of it at once.
  ReserveMany<T> reserve_many(uint64_t count) {
    return ReserveMany<T>(channel(), count);
  }
  std::optional<Permits<T>> try_reserve_many(uint64_t count) {
    if (count > max_capacity()) return std::nullopt;
    if (!channel().room().try_take(count)) return std::nullopt;
    return Permits<T>(channel(), count);
  }
  // Room that is a sender of its own, for as long as it is kept.
  ReserveOwned<T> reserve_owned() const;
  // Waits for room for so long. `value` is borrowed, and moved when it is sent.
  template <class Rep, class Period>
  SendTimeout<T> send_timeout(T& value,
                              std::chrono::duration<Rep, Period> duration) {
    return SendTimeout<T>(
        channel(), value,
        time::saturating_add(time::now(), time::saturating_cast(duration)));
  }
  // On a thread that may block.
  bool blocking_send(T value) {
    return blocking_wait(send(std::move(value)), "blocking_send()");
  }

  // Room for how many messages there is now, and is at most.
  uint64_t capacity() const {
    return std::min(channel().room().available(), max_capacity());
  }
  uint64_t max_capacity() const { return channel().capacity(); }

  BasicWeakSender<T, Sender> downgrade() const {
    return BasicWeakSender<T, Sender>(this->share());
  }

 private:
  using SenderEnd<T>::channel;
};

// Room for one message, and a sender.
template <class T>
class [[nodiscard]] OwnedPermit {
 public:
  OwnedPermit(Sender<T> sender, Permit<T> permit)
      : sender_(std::move(sender)), permit_(std::move(permit)) {}
  OwnedPermit(OwnedPermit&&) = default;
  // The permit first, as at the end.
  OwnedPermit& operator=(OwnedPermit&& other) noexcept {
    permit_ = std::move(other.permit_);
    sender_ = std::move(other.sender_);
    return *this;
  }

  // As Permit::send().
  bool send(T&& value) && { return std::move(permit_).send(std::move(value)); }
  const Sender<T>& sender() const { return sender_; }

 private:
  Sender<T> sender_;
  Permit<T> permit_;  // ends before the channel may
};

// A Future of an optional OwnedPermit: empty if the channel is closed.
template <class T>
class [[nodiscard]] ReserveOwned {
 public:
  using Output = std::optional<OwnedPermit<T>>;

  explicit ReserveOwned(Sender<T> sender)
      : sender_(std::move(sender)), reserve_(sender_.reserve()) {}
  ReserveOwned(ReserveOwned&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<std::optional<Permit<T>>> permit = reserve_.poll(cx);
    if (permit.is_pending()) return kPending;
    if (!permit->has_value()) return Output();
    return Output(std::in_place, std::move(sender_), **std::move(permit));
  }

 private:
  Sender<T> sender_;
  Reserve<T> reserve_;  // ends before the channel may
};

template <class T>
ReserveOwned<T> Sender<T>::reserve_owned() const {
  return ReserveOwned<T>(*this);
}

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

}  // namespace eddy::sync::mpsc

#endif  // EDDY_SYNC_MPSC_SENDER_H_
