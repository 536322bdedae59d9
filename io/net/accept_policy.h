// What a listener does about an error of accept(). Pure: no socket, no clock.
//
// Linux hands errors of the *incoming* connection to accept(): the connection
// is lost, the listener is not. A lack of fds, buffers or memory is nobody's
// mistake and may pass, but the connection stays in the queue, so accepting
// again at once would spin: the listener pauses, longer each time.
#ifndef EDDY_IO_NET_ACCEPT_POLICY_H_
#define EDDY_IO_NET_ACCEPT_POLICY_H_

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace eddy::io {

enum class OnAcceptError : uint8_t { kNext, kPause, kFail };

constexpr OnAcceptError on_accept_error(int err) {
  switch (err) {
    case ECONNABORTED:  // gone before it was accepted
    case EPROTO:
    case ENETDOWN:  // and what else accept(2) says of pending connections
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case ETIMEDOUT:
    case EPERM:  // forbidden by a firewall
      return OnAcceptError::kNext;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:  // too many fds are watched by epoll
      return OnAcceptError::kPause;
    default:
      return OnAcceptError::kFail;
  }
}

// How long to pause: 10 ms, then twice as long each time, at most a second.
class AcceptPause {
 public:
  static constexpr std::chrono::milliseconds kShortest{10};
  static constexpr std::chrono::milliseconds kLongest{1000};

  constexpr std::chrono::milliseconds next() {
    const std::chrono::milliseconds pause = next_;
    next_ = std::min(2 * pause, kLongest);
    return pause;
  }
  // A connection was accepted.
  constexpr void reset() { next_ = kShortest; }

 private:
  std::chrono::milliseconds next_ = kShortest;
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_ACCEPT_POLICY_H_
