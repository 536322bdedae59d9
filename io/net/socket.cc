#include "io/net/socket.h"

#include <cerrno>
#include <string>

#include "io/net/sockaddr.h"
#include "io/retry.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;

absl::Status socket_error(int err, std::string_view operation,
                          const SocketAddr& addr) {
  const std::string what = std::string(operation) + " " + addr.to_string();
  if (err == ECANCELED) {
    return absl::CancelledError(what + ": the runtime has shut down");
  }
  return errno_status(err, what);
}

absl::StatusOr<OwnedFd> open_tcp_socket(const SocketAddr& addr) {
  const int family = addr.is_v4() ? AF_INET : AF_INET6;
  OwnedFd fd(retry([&] {
    return sys().socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  }));
  if (!fd.is_open()) return socket_error(errno, "open a socket for", addr);
  return fd;
}

absl::StatusOr<SocketAddr> bound_addr(int fd, const SocketAddr& asked_for) {
  Sockaddr raw;
  if (retry([&] { return sys().getsockname(fd, raw.get(), &raw.length); }) !=
      0) {
    return socket_error(errno, "get the address of", asked_for);
  }
  return from_sockaddr(raw.get());
}

absl::Status Socket::error(int err, std::string_view operation) const {
  return socket_error(err, operation, addr_);
}

absl::StatusOr<SocketAddr> Socket::local_addr() const {
  Sockaddr raw;
  const int result =
      retry([&] { return sys().getsockname(fd(), raw.get(), &raw.length); });
  if (result != 0) return error(errno, "get the local address of");
  return from_sockaddr(raw.get());
}

absl::Status Socket::shutdown(int how) const {
  const int result = retry([&] { return sys().shutdown(fd(), how); });
  if (result != 0) return error(errno, "shutdown");
  return absl::OkStatus();
}

absl::Status Socket::set_option(int level, int option, const void* value,
                                size_t size, std::string_view name) const {
  const int result = retry([&] {
    return sys().setsockopt(fd(), level, option, value,
                            static_cast<socklen_t>(size));
  });
  if (result != 0) return error(errno, "set " + std::string(name) + " of");
  return absl::OkStatus();
}

absl::Status Socket::get_option(int level, int option, void* value, size_t size,
                                std::string_view name) const {
  socklen_t length = static_cast<socklen_t>(size);
  const int result = retry(
      [&] { return sys().getsockopt(fd(), level, option, value, &length); });
  if (result != 0) return error(errno, "get " + std::string(name) + " of");
  return absl::OkStatus();
}

}  // namespace eddy::io
