// Waiting for a socket without a buffer, and system calls without waiting: a
// connection that waits for its peer holds no memory to read into.
//
// Cancel:  a dropped SocketReady has done nothing.
// Owner:   each borrows the socket. It may be moved until it is first polled.
#ifndef EDDY_IO_NET_SOCKET_READY_H_
#define EDDY_IO_NET_SOCKET_READY_H_

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"

namespace eddy::io {

class Socket;

// The future of readable() and writable(): ready when a system call is worth
// trying, which may yet find nothing.
class [[nodiscard]] SocketReady {
 public:
  using Output = absl::Status;

  SocketReady(const Socket& socket, reactor::Direction direction);
  SocketReady(SocketReady&&) = default;

  Poll<absl::Status> poll(Context& cx);

 private:
  const Socket& socket_;
  const reactor::Direction direction_;
  reactor::Waiter waiter_;
};

// How many bytes were moved; nullopt: it would have to wait.
using Tried = absl::StatusOr<std::optional<size_t>>;

Tried try_recv(const Socket& socket, std::span<std::byte> into);
Tried try_send(const Socket& socket, std::span<const std::byte> from);

}  // namespace eddy::io

#endif  // EDDY_IO_NET_SOCKET_READY_H_
