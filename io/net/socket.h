// Socket: a connected or listening socket and its place in a reactor; and what
// its kinds have in common: options, addresses, errors that say whose they are.
//
// Threads: see registration.h.
// Owner:   the fd. It leaves the reactor before it is closed.
#ifndef EDDY_IO_NET_SOCKET_H_
#define EDDY_IO_NET_SOCKET_H_

#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "io/owned_fd.h"
#include "reactor/registration.h"

namespace eddy::io {

class Socket {
 public:
  // `addr` is for messages: the peer of a stream, the own of a listener.
  Socket(OwnedFd fd, reactor::Registration registration, const SocketAddr& addr)
      : fd_(std::move(fd)),
        registration_(std::move(registration)),
        addr_(addr) {}

  int fd() const { return fd_.get(); }
  const reactor::Registration& registration() const { return registration_; }
  const SocketAddr& addr() const { return addr_; }

  // The status of a failed `operation`; `err` is positive, and ECANCELED stands
  // for the end of the runtime.
  absl::Status error(int err, std::string_view operation) const;

  absl::StatusOr<SocketAddr> local_addr() const;
  absl::Status shutdown(int how) const;

  // `name` is that of the option, for messages.
  template <class Value>
  absl::Status set_option(int level, int option, const Value& value,
                          std::string_view name) const {
    return set_option(level, option, &value, sizeof(value), name);
  }
  template <class Value>
  absl::StatusOr<Value> option(int level, int option,
                               std::string_view name) const {
    Value value = {};
    absl::Status status =
        get_option(level, option, &value, sizeof(value), name);
    if (!status.ok()) return status;
    return value;
  }

 private:
  absl::Status set_option(int level, int option, const void* value, size_t size,
                          std::string_view name) const;
  absl::Status get_option(int level, int option, void* value, size_t size,
                          std::string_view name) const;

  OwnedFd fd_;
  reactor::Registration registration_;  // ends before fd_
  SocketAddr addr_;
};

// A new TCP socket for addresses like `addr`: non-blocking, close-on-exec.
absl::StatusOr<OwnedFd> open_tcp_socket(const SocketAddr& addr);

// What the socket was bound to, with the port that the kernel chose.
absl::StatusOr<SocketAddr> bound_addr(int fd, const SocketAddr& asked_for);

// The status of a failed `operation` on `addr`, as Socket::error().
absl::Status socket_error(int err, std::string_view operation,
                          const SocketAddr& addr);

}  // namespace eddy::io

#endif  // EDDY_IO_NET_SOCKET_H_
