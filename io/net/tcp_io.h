// The leaf futures of a TcpStream and of its halves.
//
// Cancel:  a dropped one has moved no bytes, and no longer touches the buffer.
// Owner:   each borrows the stream and the buffer. It may be moved until it is
//          first polled.
#ifndef EDDY_IO_NET_TCP_IO_H_
#define EDDY_IO_NET_TCP_IO_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"

namespace eddy::io {

class Socket;

// Buffers beyond these are for the next call, as after any short transfer.
inline constexpr size_t kMaxBuffersPerCall = 64;

using ReadBuffers = std::span<const std::span<std::byte>>;
using WriteBuffers = std::span<const std::span<const std::byte>>;

class [[nodiscard]] TcpRead {
 public:
  using Output = absl::StatusOr<size_t>;

  enum class Mode : uint8_t { kTake, kPeek };

  TcpRead(const Socket& socket, std::span<std::byte> into,
          Mode mode = Mode::kTake);
  TcpRead(TcpRead&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  const Socket& socket_;
  const std::span<std::byte> into_;
  const Mode mode_;
  reactor::Waiter waiter_;
};

class [[nodiscard]] TcpReadVectored {
 public:
  using Output = absl::StatusOr<size_t>;

  TcpReadVectored(const Socket& socket, ReadBuffers into);
  TcpReadVectored(TcpReadVectored&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  const Socket& socket_;
  const ReadBuffers into_;
  reactor::Waiter waiter_;
};

class [[nodiscard]] TcpWrite {
 public:
  using Output = absl::StatusOr<size_t>;

  TcpWrite(const Socket& socket, std::span<const std::byte> from);
  TcpWrite(TcpWrite&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  const Socket& socket_;
  const std::span<const std::byte> from_;
  reactor::Waiter waiter_;
};

class [[nodiscard]] TcpWriteVectored {
 public:
  using Output = absl::StatusOr<size_t>;

  TcpWriteVectored(const Socket& socket, WriteBuffers from);
  TcpWriteVectored(TcpWriteVectored&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  const Socket& socket_;
  const WriteBuffers from_;
  reactor::Waiter waiter_;
};

enum class Shutdown : uint8_t { kRead, kWrite, kBoth };

// Ready at its first poll.
class [[nodiscard]] TcpShutdown {
 public:
  using Output = absl::Status;

  TcpShutdown(const Socket& socket, Shutdown how)
      : socket_(socket), how_(how) {}

  Poll<absl::Status> poll(Context& cx);

 private:
  const Socket& socket_;
  const Shutdown how_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_TCP_IO_H_
