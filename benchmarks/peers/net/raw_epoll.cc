// The least that a server on one thread can do with epoll: epoll_wait, recv,
// send. The limit that runtimes are measured against.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>

#include "benchmarks/net/protocol.h"
#include "benchmarks/net/server.h"

namespace eddy::benchmarks::net {
namespace {

struct Connection {
  int fd;
  HttpRequests requests;
};

class Server {
 public:
  explicit Server(bool http)
      : http_(http),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on_loopback()) {
    add(listener_, EPOLLIN, nullptr);
    announce(port_of(listener_));
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 1024> events;
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        void* connection = events[static_cast<std::size_t>(i)].data.ptr;
        if (connection == nullptr) {
          accept_all();
        } else {
          serve(*static_cast<Connection*>(connection));
        }
      }
    }
  }

 private:
  void add(int fd, uint32_t events, Connection* connection) {
    epoll_event event = {.events = events, .data = {.ptr = connection}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
      server_failed("epoll_ctl()");
    }
  }

  void accept_all() {
    for (;;) {
      const int fd =
          ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      set_nodelay(fd);
      auto connection = std::make_unique<Connection>(Connection{fd, {}});
      add(fd, EPOLLIN | EPOLLET, connection.release());  // see close()
    }
  }

  // A read that is short has emptied the socket: the next edge tells of more.
  void serve(Connection& connection) {
    std::array<std::byte, kReadBytes> buffer;
    ssize_t size = 0;
    do {
      size = ::recv(connection.fd, buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) return close(connection);
      answer(connection,
             std::span(buffer).first(static_cast<std::size_t>(size)));
    } while (static_cast<std::size_t>(size) == buffer.size());
  }

  void answer(Connection& connection, std::span<std::byte> bytes) {
    if (http_) {
      for (auto n = connection.requests.count(bytes); n > 0; --n) {
        send(connection.fd, std::as_bytes(std::span(kHttpAnswer)));
      }
    } else {
      work(bytes);
      send(connection.fd, bytes);
    }
  }

  // The load reads what it is sent, so the socket always has room.
  void send(int fd, std::span<const std::byte> bytes) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0 && static_cast<std::size_t>(sent) != bytes.size()) {
      server_failed("send() has no room");
    }
  }

  void close(Connection& connection) {
    ::close(connection.fd);
    delete &connection;
  }

  const bool http_;
  const int epoll_;
  const int listener_;
};

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  using eddy::benchmarks::net::Server;
  using eddy::benchmarks::net::ServerOptions;
  Server(ServerOptions::parse(argc, argv).http()).run();
}
