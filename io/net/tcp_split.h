// The two directions of a TcpStream, each on its own.
//
//   auto [in, out] = stream.split();             // borrow the stream
//   co_await eddy::join(copy(in), talk(out));
//
//   auto [in, out] = std::move(stream).into_split();  // own it together
//   eddy::spawn(copy(std::move(in)));
//   eddy::spawn(talk(std::move(out)));
//
// Threads: one half may be used while the other is, by another task.
// Cancel:  as TcpStream's operations.
// Errors:  as TcpStream's. reunite() of halves of two streams is
//          kInvalidArgument.
// Owner:   the stream is closed when both owned halves are gone. An owned write
//          half that goes says to the peer that nothing more will come, as
//          shutdown() does, unless it is reunited or forgotten.
#ifndef EDDY_IO_NET_TCP_SPLIT_H_
#define EDDY_IO_NET_TCP_SPLIT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "io/net/socket_ready.h"
#include "io/net/tcp_io.h"
#include "io/net/tcp_stream.h"

namespace eddy::io {

class ReadHalf {
 public:
  TcpRead read(std::span<std::byte> into) { return TcpRead(*socket_, into); }
  TcpRead peek(std::span<std::byte> into) {
    return TcpRead(*socket_, into, TcpRead::Mode::kPeek);
  }
  TcpReadVectored readv(ReadBuffers into) {
    return TcpReadVectored(*socket_, into);
  }
  SocketReady readable() {
    return SocketReady(*socket_, reactor::Direction::kRead);
  }
  absl::StatusOr<std::optional<size_t>> try_read(std::span<std::byte> into) {
    return try_recv(*socket_, into);
  }

  absl::StatusOr<SocketAddr> local_addr() const;
  const SocketAddr& peer_addr() const;

 private:
  friend class OwnedReadHalf;
  friend class TcpStream;

  explicit ReadHalf(const Socket& socket) : socket_(&socket) {}

  const Socket* socket_;
};

class WriteHalf {
 public:
  TcpWrite write(std::span<const std::byte> from) {
    return TcpWrite(*socket_, from);
  }
  TcpWriteVectored writev(WriteBuffers from) {
    return TcpWriteVectored(*socket_, from);
  }
  SocketReady writable() {
    return SocketReady(*socket_, reactor::Direction::kWrite);
  }
  absl::StatusOr<std::optional<size_t>> try_write(
      std::span<const std::byte> from) {
    return try_send(*socket_, from);
  }
  TcpShutdown shutdown() { return TcpShutdown(*socket_, Shutdown::kWrite); }

  absl::StatusOr<SocketAddr> local_addr() const;
  const SocketAddr& peer_addr() const;

 private:
  friend class OwnedWriteHalf;
  friend class TcpStream;

  explicit WriteHalf(const Socket& socket) : socket_(&socket) {}

  const Socket* socket_;
};

class OwnedReadHalf : public ReadHalf {
 public:
  OwnedReadHalf(OwnedReadHalf&&) noexcept = default;
  OwnedReadHalf& operator=(OwnedReadHalf&&) noexcept = default;

 private:
  friend class TcpStream;
  friend absl::StatusOr<TcpStream> reunite(OwnedReadHalf, OwnedWriteHalf);

  explicit OwnedReadHalf(std::shared_ptr<Socket> socket)
      : ReadHalf(*socket), owner_(std::move(socket)) {}

  std::shared_ptr<Socket> owner_;  // null after a move
};

class OwnedWriteHalf : public WriteHalf {
 public:
  OwnedWriteHalf(OwnedWriteHalf&&) noexcept = default;
  OwnedWriteHalf& operator=(OwnedWriteHalf other) noexcept;
  ~OwnedWriteHalf();

  // Goes without a word to the peer; reading goes on, and the connection ends
  // when the read half does.
  void forget() &&;

 private:
  friend class TcpStream;
  friend absl::StatusOr<TcpStream> reunite(OwnedReadHalf, OwnedWriteHalf);

  explicit OwnedWriteHalf(std::shared_ptr<Socket> socket)
      : WriteHalf(*socket), owner_(std::move(socket)) {}

  std::shared_ptr<Socket> owner_;  // null after a move
};

// The stream that the halves were made of.
absl::StatusOr<TcpStream> reunite(OwnedReadHalf in, OwnedWriteHalf out);

}  // namespace eddy::io

#endif  // EDDY_IO_NET_TCP_SPLIT_H_
