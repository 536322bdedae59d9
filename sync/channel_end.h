// ChannelEnd: a counted share in a channel, which is what its senders and
// receivers are. Copies count, too.
//
// A channel has add_sender(), remove_sender(), add_receiver() and
// remove_receiver(), and learns from them when one side has gone.
//
// Threads: an end belongs to one at a time.
// Owner:   shares the channel.
#ifndef EDDY_SYNC_CHANNEL_END_H_
#define EDDY_SYNC_CHANNEL_END_H_

#include <memory>
#include <utility>

namespace eddy::sync {

enum class Side { kSender, kReceiver };

template <class Channel, Side kSide>
class ChannelEnd {
 public:
  explicit ChannelEnd(std::shared_ptr<Channel> channel)
      : channel_(std::move(channel)) {
    enter();
  }
  ChannelEnd(const ChannelEnd& other) : channel_(other.channel_) { enter(); }
  ChannelEnd(ChannelEnd&&) noexcept = default;
  ChannelEnd& operator=(ChannelEnd other) noexcept {
    std::swap(channel_, other.channel_);
    return *this;
  }
  ~ChannelEnd() {
    if (channel_ == nullptr) return;
    if constexpr (kSide == Side::kSender) {
      channel_->remove_sender();
    } else {
      channel_->remove_receiver();
    }
  }

 protected:
  Channel& channel() const { return *channel_; }
  const std::shared_ptr<Channel>& share() const { return channel_; }

 private:
  void enter() {
    if (channel_ == nullptr) return;
    if constexpr (kSide == Side::kSender) {
      channel_->add_sender();
    } else {
      channel_->add_receiver();
    }
  }

  std::shared_ptr<Channel> channel_;  // null: moved from
};

}  // namespace eddy::sync

#endif  // EDDY_SYNC_CHANNEL_END_H_
