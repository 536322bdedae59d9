#include "io/net/udp_io.h"

#include <sys/socket.h>

#include <algorithm>

#include "io/net/sockaddr.h"
#include "io/net/socket.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Direction;

// Each call moves one datagram, whose size says nothing about there being more.
constexpr size_t kAnySize = 0;

}  // namespace

UdpRecv::UdpRecv(const Socket& socket, std::span<std::byte> into, Mode mode)
    : socket_(socket),
      into_(into),
      mode_(mode),
      waiter_(socket.registration(), Direction::kRead) {}

Poll<UdpRecv::Output> UdpRecv::poll(Context& cx) {
  // MSG_TRUNC: the answer is the size that the datagram had.
  const int flags = MSG_TRUNC | (mode_ == Mode::kPeek ? MSG_PEEK : 0);
  Sockaddr peer;
  Poll<ssize_t> poll = waiter_.poll_io(cx, kAnySize, [&] {
    peer.length = sizeof(peer.storage);
    return sys().recvfrom(socket_.fd(), into_.data(), into_.size(), flags,
                          peer.get(), &peer.length);
  });
  if (poll.is_pending()) return kPending;
  if (*poll < 0) return socket_.error(static_cast<int>(-*poll), "receive on");
  const auto size = static_cast<size_t>(*poll);
  return Datagram{.size = std::min(size, into_.size()),
                  .truncated = size > into_.size(),
                  .peer = from_sockaddr(peer.get())};
}

UdpSend::UdpSend(const Socket& socket, std::span<const std::byte> datagram,
                 std::optional<SocketAddr> to)
    : socket_(socket),
      datagram_(datagram),
      to_(to),
      waiter_(socket.registration(), Direction::kWrite) {}

Poll<absl::Status> UdpSend::poll(Context& cx) {
  Sockaddr raw;
  if (to_.has_value()) raw = to_sockaddr(*to_);
  Poll<ssize_t> poll = waiter_.poll_io(cx, kAnySize, [&] {
    return sys().sendto(socket_.fd(), datagram_.data(), datagram_.size(),
                        MSG_NOSIGNAL, to_.has_value() ? raw.get() : nullptr,
                        to_.has_value() ? raw.length : 0);
  });
  if (poll.is_pending()) return kPending;
  if (*poll >= 0) return absl::OkStatus();
  const int error = static_cast<int>(-*poll);
  if (to_.has_value()) return socket_error(error, "send to", *to_);
  return socket_.error(error, "send on");
}

}  // namespace eddy::io
