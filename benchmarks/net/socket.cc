#include "benchmarks/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {

Socket Socket::connect(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail_errno("socket()");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const timeval patience = {.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
    fail_errno("connect()");
  }
  return Socket(fd);
}

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t Socket::send(std::span<const std::byte> from) {
  const ssize_t size =
      ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (errno == EAGAIN || errno == EINTR) return 0;
  fail_errno("send()");
}

std::size_t Socket::receive(std::span<std::byte> into) {
  const ssize_t size = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  if (size > 0) return static_cast<std::size_t>(size);
  if (size == 0) fail("the server has closed a connection");
  if (errno == EAGAIN || errno == EINTR) return 0;
  fail_errno("recv()");
}

void Socket::reset_at_end() {
  const linger none = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

}  // namespace eddy::benchmarks::net
