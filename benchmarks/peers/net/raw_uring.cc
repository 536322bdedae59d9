// The least that a server on one thread can do with io_uring: an accept, and
// for each connection a receive and then a send, one submission for each batch
// of completions.

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

#include "benchmarks/net/protocol.h"
#include "benchmarks/net/server.h"

namespace eddy::benchmarks::net {
namespace {

struct Connection {
  explicit Connection(int fd) : fd(fd) {}

  int fd;
  bool sending = false;
  HttpRequests requests;
  std::array<std::byte, kReadBytes> buffer;
};

class Server {
 public:
  explicit Server(bool http) : http_(http), listener_(listen_on_loopback()) {
    io_uring_params params = {};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_CQSIZE;
    params.cq_entries = 32768;
    errno = -::io_uring_queue_init_params(4096, &ring_, &params);
    if (errno != 0) server_failed("io_uring_setup()");
    accept_next();
    announce(port_of(listener_));
  }

  [[noreturn]] void run() {
    for (;;) {
      ::io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* completion = nullptr;
      unsigned head = 0;
      unsigned count = 0;
      io_uring_for_each_cqe(&ring_, head, completion) {
        take(static_cast<Connection*>(::io_uring_cqe_get_data(completion)),
             completion->res);
        ++count;
      }
      ::io_uring_cq_advance(&ring_, count);
    }
  }

 private:
  void take(Connection* connection, int result) {
    if (connection == nullptr) {
      accepted(result);
    } else if (result <= 0) {
      ::close(connection->fd);
      delete connection;
    } else if (connection->sending) {
      receive_next(*connection);
    } else {
      answer(*connection, static_cast<std::size_t>(result));
    }
  }

  void accepted(int fd) {
    if (fd >= 0) {
      set_nodelay(fd);
      receive_next(*new Connection(fd));  // see take()
    }
    accept_next();
  }

  // The load sends its next request when it has the answer, or some few more:
  // what one read takes has one answer.
  void answer(Connection& connection, std::size_t size) {
    const auto bytes = std::span(connection.buffer).first(size);
    if (!http_) {
      work(bytes);
      send(connection, bytes);
    } else if (connection.requests.count(bytes) > 0) {
      send(connection, std::as_bytes(std::span(kHttpAnswer)));
    } else {
      receive_next(connection);
    }
  }

  void accept_next() {
    io_uring_sqe* entry = next_entry();
    ::io_uring_prep_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    ::io_uring_sqe_set_data(entry, nullptr);
  }

  void receive_next(Connection& connection) {
    connection.sending = false;
    io_uring_sqe* entry = next_entry();
    ::io_uring_prep_recv(entry, connection.fd, connection.buffer.data(),
                         connection.buffer.size(), 0);
    ::io_uring_sqe_set_data(entry, &connection);
  }

  void send(Connection& connection, std::span<const std::byte> bytes) {
    connection.sending = true;
    io_uring_sqe* entry = next_entry();
    ::io_uring_prep_send(entry, connection.fd, bytes.data(), bytes.size(),
                         MSG_NOSIGNAL | MSG_WAITALL);
    ::io_uring_sqe_set_data(entry, &connection);
  }

  io_uring_sqe* next_entry() {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    if (entry == nullptr) {  // full: the kernel takes what there is
      ::io_uring_submit(&ring_);
      entry = ::io_uring_get_sqe(&ring_);
    }
    return entry;
  }

  const bool http_;
  const int listener_;
  io_uring ring_;
};

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  using eddy::benchmarks::net::Server;
  using eddy::benchmarks::net::ServerOptions;
  Server(ServerOptions::parse(argc, argv).http()).run();
}
