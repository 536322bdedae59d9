// watch: a channel that keeps the latest value only. Many receivers see each
// value, or a later one.
//
//   auto [sender, receiver] = eddy::sync::watch::create(Config());
//
//   eddy::Task<> follow(eddy::sync::watch::Receiver<Config> config) {
//     while (co_await config.changed()) apply(*config.borrow_and_update());
//   }                                  // all senders are gone
//
//   sender.send(load_config());        // somewhere, now and then
//
// The example is run: tests/sync/examples_test.cc.
//
// What borrow() gives is a snapshot, which may be kept, across a co_await as
// well: it holds up nobody, and stays as it is.
//
// Threads: any. A Sender or Receiver belongs to one task at a time, its copies
//          to others. What was written before a send, who sees its value, or a
//          later one, sees.
// Cancel:  a dropped changed() or wait_for() has seen nothing.
// Errors:  none; the end of the senders is no error. A callable that throws
//          changes nothing.
// Owner:   the ends share the channel; values belong to it and to the
//          snapshots. A wait borrows its end, and may be moved until its first
//          poll.
#ifndef EDDY_SYNC_WATCH_H_
#define EDDY_SYNC_WATCH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "runtime/task/future.h"
#include "sync/blocking_wait.h"
#include "sync/channel_end.h"
#include "sync/receiver_count.h"
#include "sync/version.h"
#include "sync/watch_value.h"

namespace eddy::sync::watch {

template <class T>
using Snapshot = std::shared_ptr<const T>;

// What the ends share.
template <class T>
class Channel {
 public:
  explicit Channel(T value) : value_(std::move(value)) {}

  Value<T>& value() { return value_; }
  ReceiverCount& receivers() { return receivers_; }

  // relaxed: a sender is only made from a sender.
  void add_sender() { senders_.fetch_add(1, std::memory_order_relaxed); }
  void remove_sender() {
    // [last] what the senders did comes before the end
    if (senders_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      value_.version().close();
    }
  }
  void add_receiver() { receivers_.add(); }
  void remove_receiver() { receivers_.remove(); }

 private:
  Value<T> value_;
  std::atomic<uint64_t> senders_{0};
  ReceiverCount receivers_;
};

template <class T>
class Receiver;

template <class T>
class Sender : public ChannelEnd<Channel<T>, Side::kSender> {
 public:
  using ChannelEnd<Channel<T>, Side::kSender>::ChannelEnd;

  // False: there are no receivers, and `value` is as it was.
  bool send(T&& value) {
    if (is_closed()) return false;
    send_replace(std::move(value));
    return true;
  }
  // Also where nobody receives. Gives the value before.
  Snapshot<T> send_replace(T value) {
    return channel().value().replace(std::move(value));
  }
  // `change(T&)` makes the new value of a copy of the latest, where T can be
  // copied. If another sender sends meanwhile, that is done anew.
  template <class F>
  void send_modify(F change) {
    send_if_modified([&](T& value) {
      change(value);
      return true;
    });
  }
  // The same, where `change(T&)` says whether to send the value. So does this.
  template <class F>
  bool send_if_modified(F change) {
    for (;;) {
      typename Value<T>::Read latest = channel().value().read();
      T value(*latest.snapshot);
      if (!change(value)) return false;
      if (channel().value().replace_if(latest.version, std::move(value))) {
        return true;
      }
    }
  }

  Snapshot<T> borrow() const { return channel().value().read().snapshot; }
  // One that has seen the latest value.
  Receiver<T> subscribe() const;
  uint64_t receiver_count() const { return channel().receivers().get(); }
  // There are no receivers.
  bool is_closed() const { return receiver_count() == 0; }
  // A Future of void: waits for that.
  ReceiverCount::Closed closed() {
    return ReceiverCount::Closed(channel().receivers());
  }

 private:
  using ChannelEnd<Channel<T>, Side::kSender>::channel;
};

// A Future of bool: true, there was a value that the receiver had not seen, and
// it counts as seen from now on; false, there is none, and all senders are
// gone.
template <class T>
class [[nodiscard]] Changed {
 public:
  using Output = bool;

  Changed(Value<T>& value, uint64_t& seen)
      : version_(value.version()), seen_(seen), wait_(value.version()) {}
  Changed(Changed&&) = default;

  Poll<bool> poll(Context& cx) {
    Poll<bool> polled = wait_.poll(seen_, cx);
    if (polled.is_ready() && *polled) seen_ = version_.now();
    return polled;
  }

 private:
  Version& version_;
  uint64_t& seen_;
  Version::Wait wait_;
};

// A Future of a Snapshot: of the first value that is seen to satisfy
// `is_right(const T&)`; null if all senders went before.
template <class T, class F>
class [[nodiscard]] WaitFor {
 public:
  using Output = Snapshot<T>;

  WaitFor(Value<T>& value, uint64_t& seen, F is_right)
      : value_(value),
        seen_(seen),
        is_right_(std::move(is_right)),
        wait_(value.version()) {}
  WaitFor(WaitFor&&) = default;

  Poll<Snapshot<T>> poll(Context& cx) {
    for (;;) {
      if (!cx.has_budget()) return cx.yield();
      typename Value<T>::Read latest = value_.read();
      if (!has_looked_ || latest.version != looked_at_) {
        const bool is_right = is_right_(*latest.snapshot);
        seen_ = looked_at_ = latest.version;
        has_looked_ = true;
        if (is_right) {
          cx.spend();
          return std::move(latest.snapshot);
        }
      }
      Poll<bool> polled = wait_.poll(looked_at_, cx);
      if (polled.is_pending()) return kPending;
      if (!*polled) return Snapshot<T>();
    }
  }

 private:
  Value<T>& value_;
  uint64_t& seen_;
  F is_right_;
  Version::Wait wait_;
  uint64_t looked_at_ = 0;
  bool has_looked_ = false;
};

template <class T>
class Receiver : public ChannelEnd<Channel<T>, Side::kReceiver> {
  using End = ChannelEnd<Channel<T>, Side::kReceiver>;

 public:
  // Has seen what is there.
  explicit Receiver(std::shared_ptr<Channel<T>> channel)
      : End(std::move(channel)), seen_(version().now()) {}

  // The latest value. It does not count as seen.
  Snapshot<T> borrow() const { return channel().value().read().snapshot; }
  // The same, and it does.
  Snapshot<T> borrow_and_update() {
    typename Value<T>::Read latest = channel().value().read();
    seen_ = latest.version;
    return std::move(latest.snapshot);
  }
  bool has_changed() const { return version().now() != seen_; }
  // Lets has_changed() and changed() find a change, or none.
  void mark_changed() { seen_ = version().now() - 1; }
  void mark_unchanged() { seen_ = version().now(); }

  Changed<T> changed() { return Changed<T>(channel().value(), seen_); }
  template <class F>
  WaitFor<T, F> wait_for(F is_right) {
    return WaitFor<T, F>(channel().value(), seen_, std::move(is_right));
  }
  // On a thread that may block.
  bool blocking_changed() {
    return blocking_wait(changed(), "blocking_changed()");
  }

  // All senders are gone.
  bool is_closed() const { return version().is_closed(); }

 private:
  using End::channel;
  Version& version() const { return channel().value().version(); }

  uint64_t seen_;
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

// `auto [sender, receiver] = create(value);` The receiver has seen `value`.
template <class T>
Ends<T> create(T value) {
  return Ends<T>(std::make_shared<Channel<T>>(std::move(value)));
}

}  // namespace eddy::sync::watch

#endif  // EDDY_SYNC_WATCH_H_
