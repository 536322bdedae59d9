// Socket: a client's TCP connection to a server on loopback. It does not block
// once it is connected. Errors end the process: see fail().
#ifndef EDDY_BENCHMARKS_NET_SOCKET_H_
#define EDDY_BENCHMARKS_NET_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace eddy::benchmarks::net {

class Socket {
 public:
  // Waits for at most five seconds.
  static Socket connect(uint16_t port);

  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  int fd() const { return fd_; }

  // Bytes moved; 0 where it would have to wait.
  std::size_t send(std::span<const std::byte> from);
  std::size_t receive(std::span<std::byte> into);

  // From now on the end is a reset, which leaves no TIME_WAIT behind: ports are
  // free again at once.
  void reset_at_end();

 private:
  explicit Socket(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_SOCKET_H_
