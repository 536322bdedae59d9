// libuv's server in the network comparison: one loop on one thread.

#include <uv.h>

#include <array>
#include <cstddef>
#include <span>

#include "benchmarks/net/protocol.h"
#include "benchmarks/net/server.h"

namespace eddy::benchmarks::net {
namespace {

bool http = false;
// Of the loop: libuv reads and at once calls back, one connection at a time.
std::array<std::byte, kReadBytes> buffer;

struct Connection {
  uv_tcp_t peer;  // first: libuv's pointer to it is the connection's
  HttpRequests requests;
};

void on_closed(uv_handle_t* handle) {
  delete reinterpret_cast<Connection*>(handle);
}

void close(Connection& connection) {
  ::uv_close(reinterpret_cast<uv_handle_t*>(&connection.peer), on_closed);
}

uv_stream_t* stream_of(Connection& connection) {
  return reinterpret_cast<uv_stream_t*>(&connection.peer);
}

// The load reads what it is sent, so the socket always has room.
void send(Connection& connection, std::span<const std::byte> bytes) {
  const uv_buf_t part = {
      .base = const_cast<char*>(reinterpret_cast<const char*>(bytes.data())),
      .len = bytes.size()};
  const int sent = ::uv_try_write(stream_of(connection), &part, 1);
  if (sent >= 0 && static_cast<std::size_t>(sent) != bytes.size()) {
    server_failed("uv_try_write() has no room");
  }
}

void on_allocate(uv_handle_t*, std::size_t, uv_buf_t* into) {
  *into = {.base = reinterpret_cast<char*>(buffer.data()),
           .len = buffer.size()};
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
  auto& connection = *reinterpret_cast<Connection*>(stream);
  if (size < 0) return close(connection);
  const auto bytes = std::span(buffer).first(static_cast<std::size_t>(size));
  if (http) {
    for (auto n = connection.requests.count(bytes); n > 0; --n) {
      send(connection, std::as_bytes(std::span(kHttpAnswer)));
    }
  } else {
    work(bytes);
    send(connection, bytes);
  }
}

void on_connection(uv_stream_t* listener, int status) {
  if (status != 0) return;
  auto* connection = new Connection;  // until on_closed()
  ::uv_tcp_init(listener->loop, &connection->peer);
  if (::uv_accept(listener, stream_of(*connection)) != 0) {
    return close(*connection);
  }
  ::uv_tcp_nodelay(&connection->peer, 1);
  ::uv_read_start(stream_of(*connection), on_allocate, on_read);
}

void serve() {
  uv_loop_t* loop = ::uv_default_loop();
  uv_tcp_t listener;
  ::uv_tcp_init(loop, &listener);
  const int fd = listen_on_loopback();
  ::uv_tcp_open(&listener, fd);
  if (::uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 1024,
                  on_connection) != 0) {
    server_failed("uv_listen()");
  }
  announce(port_of(fd));
  ::uv_run(loop, UV_RUN_DEFAULT);
}

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  using namespace eddy::benchmarks::net;
  http = ServerOptions::parse(argc, argv).http();
  serve();
}
