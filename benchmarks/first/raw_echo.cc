#include "benchmarks/first/raw_echo.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "runtime/base/check.h"

namespace eddy::benchmarks {

RawEcho::RawEcho()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  EDDY_CHECK(::bind(listener_, raw, length) == 0);
  EDDY_CHECK(::listen(listener_, 1024) == 0);
  ::getsockname(listener_, raw, &length);
  port_ = ntohs(address.sin_port);
  add(listener_, EPOLLIN);
  add(stop_, EPOLLIN);
}

RawEcho::~RawEcho() {
  for (int fd : peers_) ::close(fd);
  ::close(stop_);
  ::close(listener_);
  ::close(epoll_);
}

void RawEcho::run() {
  for (;;) {
    std::array<epoll_event, 1024> events;
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == stop_) return;
      if (fd == listener_) {
        accept_one();
      } else {
        echo(fd);
      }
    }
  }
}

void RawEcho::stop() {
  const uint64_t one = 1;
  EDDY_CHECK(::write(stop_, &one, sizeof(one)) == sizeof(one));
}

void RawEcho::add(int fd, uint32_t events) {
  epoll_event event = {.events = events, .data = {.fd = fd}};
  EDDY_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void RawEcho::accept_one() {
  const int fd =
      ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  add(fd, EPOLLIN | EPOLLET);
  peers_.insert(fd);
}

// A read that is short has emptied the socket: the next edge tells of more.
void RawEcho::echo(int fd) {
  std::array<char, 4096> buffer;
  const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (size <= 0) {
    peers_.erase(fd);
    ::close(fd);
    return;
  }
  const auto bytes = static_cast<std::size_t>(size);
  EDDY_CHECK(::send(fd, buffer.data(), bytes, MSG_NOSIGNAL) == size);
}

}  // namespace eddy::benchmarks
