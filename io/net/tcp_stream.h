// A TCP connection.
//
//   eddy::Task<absl::Status> greet(std::string host) {
//     EDDY_CO_ASSIGN_OR_RETURN(
//         auto peer, co_await eddy::io::TcpStream::connect(host, 80));
//     EDDY_CO_RETURN_IF_ERROR(co_await eddy::io::write_all(peer, "hello\n"));
//     co_return co_await peer.shutdown();
//   }
//
// A connection that mostly waits need not hold a buffer meanwhile: it awaits
// readable(), takes a buffer, and calls try_read() until that has nothing.
//
// Threads: one task may read while another writes; see split(). Two readers at
//          once, or two writers, are misuse, which fails loudly; who awaits
//          readable() reads.
// Cancel:  a dropped read() or write() has moved no bytes and no longer touches
//          the buffer; a dropped readable() or writable() has done nothing. A
//          dropped connect() closes its socket.
// Errors:  kUnavailable: the peer is lost. kCancelled: the runtime has shut
//          down. errno_of(status) has the errno. The end of the stream is not
//          an error. There is never a SIGPIPE.
// Owner:   a pending read() or write() borrows the stream and the buffer. The
//          stream may outlive its runtime.
#ifndef EDDY_IO_NET_TCP_STREAM_H_
#define EDDY_IO_NET_TCP_STREAM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "io/net/socket_ready.h"
#include "io/net/tcp_io.h"
#include "runtime/task/task.h"

namespace eddy::io {

class OwnedReadHalf;
class OwnedWriteHalf;
class ReadHalf;
class WriteHalf;

// When the kernel looks whether a silent peer is still there.
struct Keepalive {
  std::chrono::seconds idle{7200};    // silence before the first probe
  std::chrono::seconds interval{75};  // between probes
  int probes = 9;                     // unanswered, before the peer is lost
};

class TcpStream {
 public:
  // Futures of absl::StatusOr<size_t>.
  using Read = TcpRead;
  using ReadVectored = TcpReadVectored;
  using Write = TcpWrite;
  using WriteVectored = TcpWriteVectored;

  // Copies `host`, a name or a number, and tries each of its addresses in turn;
  // returns the last failure.
  static Task<absl::StatusOr<TcpStream>> connect(std::string_view host,
                                                 uint16_t port);
  static Task<absl::StatusOr<TcpStream>> connect(SocketAddr addr);

  TcpStream(TcpStream&&) noexcept;
  TcpStream& operator=(TcpStream&&) noexcept;
  ~TcpStream();  // closes; does not flush or wait

  // Reads 1 to `into.size()` bytes; 0 at the end of the stream.
  Read read(std::span<std::byte> into) { return Read(*socket_, into); }
  // As read(), but leaves the bytes for the next one.
  Read peek(std::span<std::byte> into) {
    return Read(*socket_, into, Read::Mode::kPeek);
  }
  // Fills the buffers one after the other. The list is borrowed too.
  ReadVectored readv(ReadBuffers into) { return ReadVectored(*socket_, into); }

  // Writes 1 to `from.size()` bytes; write_all() writes them all.
  Write write(std::span<const std::byte> from) { return Write(*socket_, from); }
  // Writes from the front of the buffers. The list is borrowed too.
  WriteVectored writev(WriteBuffers from) {
    return WriteVectored(*socket_, from);
  }

  // Ready when a try_read() is worth trying: there are bytes, the end of the
  // stream or an error. It may be ready for nothing, so the try may find none.
  SocketReady readable() {
    return SocketReady(*socket_, reactor::Direction::kRead);
  }
  SocketReady writable() {
    return SocketReady(*socket_, reactor::Direction::kWrite);
  }
  // As read() and write(), but nullopt where those would wait. They make no
  // system call while it is known that it would find nothing, and what has come
  // in since is known once the runtime has fetched events: after nullopt, await
  // readable() or writable().
  absl::StatusOr<std::optional<size_t>> try_read(std::span<std::byte> into) {
    return try_recv(*socket_, into);
  }
  absl::StatusOr<std::optional<size_t>> try_write(
      std::span<const std::byte> from) {
    return try_send(*socket_, from);
  }

  // kWrite says that we write no more; reading goes on.
  TcpShutdown shutdown(Shutdown how = Shutdown::kWrite) {
    return TcpShutdown(*socket_, how);
  }

  // For one task that reads and writes at once, as with join(). The halves
  // borrow the stream.
  std::pair<ReadHalf, WriteHalf> split();
  // For two tasks. See tcp_split.h.
  std::pair<OwnedReadHalf, OwnedWriteHalf> into_split() &&;

  absl::StatusOr<SocketAddr> local_addr() const;
  const SocketAddr& peer_addr() const;

  // Sends small writes at once instead of gathering them (Nagle's algorithm).
  absl::Status set_nodelay(bool on);
  absl::StatusOr<bool> nodelay() const;
  // What closing does with bytes that were not sent yet. None, the default: the
  // kernel goes on sending. Zero: they are dropped, and the peer sees a reset.
  // More: close() blocks its thread for at most so long.
  absl::Status set_linger(std::optional<std::chrono::seconds> time);
  absl::StatusOr<std::optional<std::chrono::seconds>> linger() const;
  absl::Status set_keepalive(std::optional<Keepalive> keepalive);
  absl::StatusOr<std::optional<Keepalive>> keepalive() const;
  absl::Status set_ttl(int hops);
  absl::StatusOr<int> ttl() const;

  // The error that has come in since the last call, if any; no operation will
  // report it again.
  absl::Status take_error();

  int fd() const;

 private:
  friend class SendFile;
  friend class TcpConnect;
  friend class TcpAccept;
  friend absl::StatusOr<TcpStream> reunite(OwnedReadHalf, OwnedWriteHalf);

  explicit TcpStream(std::shared_ptr<Socket> socket);

  std::shared_ptr<Socket> socket_;  // null after a move
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_TCP_STREAM_H_
