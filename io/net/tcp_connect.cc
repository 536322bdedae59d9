// TcpStream::connect().
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "io/net/resolve.h"
#include "io/net/sockaddr.h"
#include "io/net/socket.h"
#include "io/net/tcp_stream.h"
#include "io/retry.h"
#include "reactor/reactor.h"
#include "reactor/waiter.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/context/current.h"

namespace eddy::io {

using base::sys;
using reactor::Assume;
using reactor::Direction;
using reactor::Registration;

// One attempt: the socket on which connect() was called, and the future that
// waits for the kernel's answer.
class TcpConnect {
 public:
  using Output = absl::StatusOr<TcpStream>;

  static absl::StatusOr<TcpConnect> begin(reactor::Reactor& reactor,
                                          const SocketAddr& addr) {
    EDDY_ASSIGN_OR_RETURN(OwnedFd fd, open_tcp_socket(addr));
    const Sockaddr raw = to_sockaddr(addr);
    const int result =
        retry([&] { return sys().connect(fd.get(), raw.get(), raw.length); });
    // An interrupted connect() goes on by itself: repeated, it says EALREADY,
    // or EISCONN.
    const bool connected = result == 0 || errno == EISCONN;
    if (!connected && errno != EINPROGRESS && errno != EALREADY) {
      return socket_error(errno, "connect", addr);
    }
    // Not before connect(): the kernel reports a hangup of a fresh socket.
    EDDY_ASSIGN_OR_RETURN(
        Registration registration,
        Registration::add(reactor, fd.get(),
                          connected ? Assume::kReady : Assume::kNotReady));
    return TcpConnect(
        std::make_shared<Socket>(std::move(fd), std::move(registration), addr));
  }

  TcpConnect(TcpConnect&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<ssize_t> poll = waiter_.poll_io(cx, 0, [&] { return outcome(); });
    if (poll.is_pending()) return kPending;
    if (*poll < 0) {
      return socket_->error(static_cast<int>(-*poll), "connect");
    }
    return TcpStream(std::move(socket_));
  }

 private:
  explicit TcpConnect(std::shared_ptr<Socket> socket)
      : socket_(std::move(socket)),
        waiter_(socket_->registration(), Direction::kWrite) {}

  // As a system call answers.
  ssize_t outcome() const {
    int err = 0;
    socklen_t length = sizeof(err);
    if (sys().getsockopt(socket_->fd(), SOL_SOCKET, SO_ERROR, &err, &length) !=
        0) {
      return -1;
    }
    errno = err;
    return err == 0 ? 0 : -1;
  }

  std::shared_ptr<Socket> socket_;
  reactor::Waiter waiter_;
};

namespace {

Task<absl::StatusOr<TcpStream>> connect_to_host(std::string host,
                                                uint16_t port) {
  EDDY_CO_ASSIGN_OR_RETURN(std::vector<SocketAddr> addrs,
                           co_await lookup_host(host, port));
  absl::StatusOr<TcpStream> stream = absl::NotFoundError("no address");
  for (const SocketAddr& addr : addrs) {
    stream = co_await TcpStream::connect(addr);
    if (stream.ok() || absl::IsCancelled(stream.status())) break;
  }
  co_return stream;
}

}  // namespace

Task<absl::StatusOr<TcpStream>> TcpStream::connect(std::string_view host,
                                                   uint16_t port) {
  return connect_to_host(std::string(host), port);
}

Task<absl::StatusOr<TcpStream>> TcpStream::connect(SocketAddr addr) {
  reactor::Reactor& reactor = context::services("TcpStream::connect()").reactor;
  EDDY_CO_ASSIGN_OR_RETURN(TcpConnect attempt,
                           TcpConnect::begin(reactor, addr));
  co_return co_await attempt;
}

}  // namespace eddy::io
