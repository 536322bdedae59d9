// The leaf futures of a UdpSocket.
//
// Cancel:  a dropped one has moved no datagram, and no longer touches the
//          buffer.
// Owner:   each borrows the socket and the buffer. It may be moved until it is
//          first polled.
#ifndef EDDY_IO_NET_UDP_IO_H_
#define EDDY_IO_NET_UDP_IO_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"

namespace eddy::io {

class Socket;

// A datagram that was received.
struct Datagram {
  size_t size = 0;         // bytes in the buffer; may be 0
  bool truncated = false;  // it was longer, and the rest is lost
  SocketAddr peer;
};

class [[nodiscard]] UdpRecv {
 public:
  using Output = absl::StatusOr<Datagram>;

  enum class Mode : uint8_t { kTake, kPeek };

  UdpRecv(const Socket& socket, std::span<std::byte> into,
          Mode mode = Mode::kTake);
  UdpRecv(UdpRecv&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  const Socket& socket_;
  const std::span<std::byte> into_;
  const Mode mode_;
  reactor::Waiter waiter_;
};

class [[nodiscard]] UdpSend {
 public:
  using Output = absl::Status;

  // `to`: none for the peer that the socket is connected to.
  UdpSend(const Socket& socket, std::span<const std::byte> datagram,
          std::optional<SocketAddr> to);
  UdpSend(UdpSend&&) = default;

  Poll<absl::Status> poll(Context& cx);

 private:
  const Socket& socket_;
  const std::span<const std::byte> datagram_;
  const std::optional<SocketAddr> to_;
  reactor::Waiter waiter_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_UDP_IO_H_
