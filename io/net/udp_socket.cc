#include "io/net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "io/net/sockaddr.h"
#include "io/net/socket.h"
#include "io/retry.h"
#include "reactor/reactor.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/context/current.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Assume;
using reactor::Registration;

absl::StatusOr<OwnedFd> open_bound(const SocketAddr& addr,
                                   const UdpOptions& options) {
  const int family = addr.is_v4() ? AF_INET : AF_INET6;
  OwnedFd fd(retry([&] {
    return sys().socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }));
  if (!fd.is_open()) return socket_error(errno, "open a socket for", addr);
  const auto set = [&](int level, int option, bool on) -> absl::Status {
    const int value = on;
    const int result = retry([&] {
      return sys().setsockopt(fd.get(), level, option, &value, sizeof(value));
    });
    return result == 0 ? absl::OkStatus()
                       : socket_error(errno, "set an option of", addr);
  };
  if (options.reuse_port) {
    EDDY_RETURN_IF_ERROR(set(SOL_SOCKET, SO_REUSEPORT, true));
  }
  if (options.broadcast) {
    EDDY_RETURN_IF_ERROR(set(SOL_SOCKET, SO_BROADCAST, true));
  }
  if (addr.is_v6()) {
    EDDY_RETURN_IF_ERROR(set(IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only));
  }
  const Sockaddr raw = to_sockaddr(addr);
  if (retry([&] { return sys().bind(fd.get(), raw.get(), raw.length); }) != 0) {
    return socket_error(errno, "bind", addr);
  }
  return fd;
}

}  // namespace

absl::StatusOr<UdpSocket> UdpSocket::bind(const SocketAddr& addr,
                                          const UdpOptions& options) {
  reactor::Reactor& reactor = context::services("UdpSocket::bind()").reactor;
  EDDY_ASSIGN_OR_RETURN(OwnedFd fd, open_bound(addr, options));
  EDDY_ASSIGN_OR_RETURN(SocketAddr bound, bound_addr(fd.get(), addr));
  EDDY_ASSIGN_OR_RETURN(Registration registration,
                        Registration::add(reactor, fd.get(), Assume::kReady));
  return UdpSocket(
      std::make_unique<Socket>(std::move(fd), std::move(registration), bound));
}

absl::StatusOr<UdpSocket> UdpSocket::bind(std::string_view addr,
                                          const UdpOptions& options) {
  EDDY_ASSIGN_OR_RETURN(SocketAddr parsed, SocketAddr::parse(addr));
  return bind(parsed, options);
}

UdpSocket::UdpSocket(std::unique_ptr<Socket> socket)
    : socket_(std::move(socket)) {}
UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

absl::Status UdpSocket::connect(const SocketAddr& peer) {
  const Sockaddr raw = to_sockaddr(peer);
  const int result = retry(
      [&] { return sys().connect(socket_->fd(), raw.get(), raw.length); });
  return result == 0 ? absl::OkStatus() : socket_error(errno, "connect", peer);
}

const SocketAddr& UdpSocket::local_addr() const { return socket_->addr(); }
int UdpSocket::fd() const { return socket_->fd(); }

}  // namespace eddy::io
