// A UDP socket.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto socket,
//                            eddy::io::UdpSocket::bind("0.0.0.0:7777"));
//   std::array<std::byte, 1500> buffer;
//   for (;;) {
//     EDDY_CO_ASSIGN_OR_RETURN(auto datagram, co_await socket.recv(buffer));
//     EDDY_CO_RETURN_IF_ERROR(co_await socket.send_to(
//         std::span(buffer).first(datagram.size), datagram.peer));
//   }
//
// Threads: one task may receive while another sends. Two that receive at once,
//          or two that send, are misuse, which fails loudly.
// Cancel:  a dropped recv() has taken no datagram; a dropped send() has sent
//          none.
// Errors:  EMSGSIZE: the datagram is longer than the network takes. On a
//          connected socket an earlier send() is answered with ECONNREFUSED by
//          a later operation, once, if nobody listens there; the socket can be
//          used further. kCancelled: the runtime has shut down.
// Owner:   a pending operation borrows the socket and the buffer. The socket
//          may outlive its runtime.
#ifndef EDDY_IO_NET_UDP_SOCKET_H_
#define EDDY_IO_NET_UDP_SOCKET_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "io/net/socket_ready.h"
#include "io/net/udp_io.h"

namespace eddy::io {

struct UdpOptions {
  bool reuse_port = false;  // share the port: the kernel spreads senders
  bool v6_only = false;     // of an IPv6 address: no IPv4 datagrams
  bool broadcast = false;   // may send to a broadcast address
};

class UdpSocket {
 public:
  using Recv = UdpRecv;
  using Send = UdpSend;

  // Inside a runtime. Port 0: the kernel chooses one, see local_addr().
  static absl::StatusOr<UdpSocket> bind(const SocketAddr& addr,
                                        const UdpOptions& options = {});
  // `addr` as in SocketAddr::parse(); names are for lookup_host().
  static absl::StatusOr<UdpSocket> bind(std::string_view addr,
                                        const UdpOptions& options = {});

  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

  // From now on send() goes to `peer`, and others' datagrams are not received.
  absl::Status connect(const SocketAddr& peer);

  // A datagram, from whomever. What is longer than the buffer is lost.
  Recv recv(std::span<std::byte> into) { return Recv(*socket_, into); }
  // As recv(), but leaves the datagram for the next one.
  Recv peek(std::span<std::byte> into) {
    return Recv(*socket_, into, Recv::Mode::kPeek);
  }
  // To the peer that the socket is connected to. An empty datagram is one.
  Send send(std::span<const std::byte> datagram) {
    return Send(*socket_, datagram, std::nullopt);
  }
  Send send_to(std::span<const std::byte> datagram, const SocketAddr& to) {
    return Send(*socket_, datagram, to);
  }

  // Ready when a recv() is worth trying; it may yet have to wait.
  SocketReady readable() {
    return SocketReady(*socket_, reactor::Direction::kRead);
  }
  SocketReady writable() {
    return SocketReady(*socket_, reactor::Direction::kWrite);
  }

  // With the port that the kernel chose.
  const SocketAddr& local_addr() const;
  int fd() const;

 private:
  explicit UdpSocket(std::unique_ptr<Socket> socket);

  std::unique_ptr<Socket> socket_;  // null after a move
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_UDP_SOCKET_H_
