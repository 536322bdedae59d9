#include "io/net/tcp_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "io/net/listener_state.h"
#include "io/net/sockaddr.h"
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

absl::Status set_flag(int fd, int level, int option, bool on,
                      const SocketAddr& addr) {
  const int value = on;
  const int result = retry([&] {
    return sys().setsockopt(fd, level, option, &value, sizeof(value));
  });
  return result == 0 ? absl::OkStatus()
                     : socket_error(errno, "prepare to listen on", addr);
}

absl::StatusOr<OwnedFd> open_listener(const SocketAddr& addr,
                                      const ListenOptions& options) {
  EDDY_ASSIGN_OR_RETURN(OwnedFd fd, open_tcp_socket(addr));
  if (options.reuse_addr) {
    EDDY_RETURN_IF_ERROR(
        set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR, true, addr));
  }
  if (options.reuse_port) {
    EDDY_RETURN_IF_ERROR(
        set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT, true, addr));
  }
  if (addr.is_v6()) {
    EDDY_RETURN_IF_ERROR(
        set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only, addr));
  }
  const Sockaddr raw = to_sockaddr(addr);
  if (retry([&] { return sys().bind(fd.get(), raw.get(), raw.length); }) != 0) {
    return socket_error(errno, "bind", addr);
  }
  if (retry([&] { return sys().listen(fd.get(), options.backlog); }) != 0) {
    return socket_error(errno, "listen on", addr);
  }
  return fd;
}

}  // namespace

absl::StatusOr<TcpListener> TcpListener::bind(const SocketAddr& addr,
                                              const ListenOptions& options) {
  reactor::Reactor& reactor = context::services("TcpListener::bind()").reactor;
  EDDY_ASSIGN_OR_RETURN(OwnedFd fd, open_listener(addr, options));
  EDDY_ASSIGN_OR_RETURN(SocketAddr bound, bound_addr(fd.get(), addr));
  EDDY_ASSIGN_OR_RETURN(
      Registration registration,
      Registration::add(reactor, fd.get(), Assume::kNotReady));
  return TcpListener(std::make_unique<ListenerState>(
      Socket(std::move(fd), std::move(registration), bound)));
}

absl::StatusOr<TcpListener> TcpListener::bind(std::string_view addr,
                                              const ListenOptions& options) {
  EDDY_ASSIGN_OR_RETURN(SocketAddr parsed, SocketAddr::parse(addr));
  return bind(parsed, options);
}

TcpListener::TcpListener(std::unique_ptr<ListenerState> state)
    : state_(std::move(state)) {}
TcpListener::TcpListener(TcpListener&&) noexcept = default;
TcpListener& TcpListener::operator=(TcpListener&&) noexcept = default;
TcpListener::~TcpListener() = default;

const SocketAddr& TcpListener::local_addr() const {
  return state_->socket.addr();
}
int TcpListener::fd() const { return state_->socket.fd(); }

TcpListener::Metrics TcpListener::metrics() const {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.accepted = state_->accepted.load(kRelaxed),
          .lost = state_->lost.load(kRelaxed),
          .accept_errors = state_->accept_errors.load(kRelaxed)};
}

}  // namespace eddy::io
