#include "io/net/tcp_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/net/socket.h"
#include "io/net/tcp_split.h"
#include "runtime/base/status.h"

namespace eddy::io {
namespace {

using std::chrono::seconds;

int to_int(seconds time) { return static_cast<int>(time.count()); }

}  // namespace

TcpStream::TcpStream(std::shared_ptr<Socket> socket)
    : socket_(std::move(socket)) {}
TcpStream::TcpStream(TcpStream&&) noexcept = default;
TcpStream& TcpStream::operator=(TcpStream&&) noexcept = default;
TcpStream::~TcpStream() = default;

std::pair<ReadHalf, WriteHalf> TcpStream::split() {
  return {ReadHalf(*socket_), WriteHalf(*socket_)};
}

std::pair<OwnedReadHalf, OwnedWriteHalf> TcpStream::into_split() && {
  std::shared_ptr<Socket> socket = std::move(socket_);
  return {OwnedReadHalf(socket), OwnedWriteHalf(socket)};
}

absl::StatusOr<SocketAddr> TcpStream::local_addr() const {
  return socket_->local_addr();
}
const SocketAddr& TcpStream::peer_addr() const { return socket_->addr(); }
int TcpStream::fd() const { return socket_->fd(); }

absl::Status TcpStream::set_nodelay(bool on) {
  return socket_->set_option(IPPROTO_TCP, TCP_NODELAY, int{on}, "TCP_NODELAY");
}

absl::StatusOr<bool> TcpStream::nodelay() const {
  EDDY_ASSIGN_OR_RETURN(
      int on, socket_->option<int>(IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"));
  return on != 0;
}

absl::Status TcpStream::set_linger(std::optional<seconds> time) {
  const ::linger value = {.l_onoff = time.has_value(),
                          .l_linger = to_int(time.value_or(seconds(0)))};
  return socket_->set_option(SOL_SOCKET, SO_LINGER, value, "SO_LINGER");
}

absl::StatusOr<std::optional<seconds>> TcpStream::linger() const {
  EDDY_ASSIGN_OR_RETURN(
      ::linger value,
      socket_->option<::linger>(SOL_SOCKET, SO_LINGER, "SO_LINGER"));
  if (value.l_onoff == 0) return std::optional<seconds>();
  return std::optional<seconds>(value.l_linger);
}

absl::Status TcpStream::set_keepalive(std::optional<Keepalive> keepalive) {
  if (keepalive) {
    EDDY_RETURN_IF_ERROR(socket_->set_option(
        IPPROTO_TCP, TCP_KEEPIDLE, to_int(keepalive->idle), "TCP_KEEPIDLE"));
    EDDY_RETURN_IF_ERROR(socket_->set_option(IPPROTO_TCP, TCP_KEEPINTVL,
                                             to_int(keepalive->interval),
                                             "TCP_KEEPINTVL"));
    EDDY_RETURN_IF_ERROR(socket_->set_option(IPPROTO_TCP, TCP_KEEPCNT,
                                             keepalive->probes, "TCP_KEEPCNT"));
  }
  return socket_->set_option(SOL_SOCKET, SO_KEEPALIVE,
                             int{keepalive.has_value()}, "SO_KEEPALIVE");
}

absl::StatusOr<std::optional<Keepalive>> TcpStream::keepalive() const {
  EDDY_ASSIGN_OR_RETURN(
      int on, socket_->option<int>(SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"));
  if (on == 0) return std::optional<Keepalive>();
  EDDY_ASSIGN_OR_RETURN(
      int idle,
      socket_->option<int>(IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE"));
  EDDY_ASSIGN_OR_RETURN(
      int interval,
      socket_->option<int>(IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL"));
  EDDY_ASSIGN_OR_RETURN(
      int probes,
      socket_->option<int>(IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT"));
  return std::optional<Keepalive>(
      Keepalive{seconds(idle), seconds(interval), probes});
}

absl::Status TcpStream::set_ttl(int hops) {
  return peer_addr().is_v4()
             ? socket_->set_option(IPPROTO_IP, IP_TTL, hops, "IP_TTL")
             : socket_->set_option(IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops,
                                   "IPV6_UNICAST_HOPS");
}

absl::StatusOr<int> TcpStream::ttl() const {
  return peer_addr().is_v4()
             ? socket_->option<int>(IPPROTO_IP, IP_TTL, "IP_TTL")
             : socket_->option<int>(IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                                    "IPV6_UNICAST_HOPS");
}

absl::Status TcpStream::take_error() {
  EDDY_ASSIGN_OR_RETURN(int err,
                        socket_->option<int>(SOL_SOCKET, SO_ERROR, "SO_ERROR"));
  return err == 0 ? absl::OkStatus() : socket_->error(err, "connection to");
}

}  // namespace eddy::io
