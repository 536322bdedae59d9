#include "benchmarks/net/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace eddy::benchmarks::net {
namespace {

// The value, if `argument` is --name=value.
bool take(std::string_view argument, std::string_view name,
          std::string& value) {
  if (!argument.starts_with(name)) return false;
  value = argument.substr(name.size());
  return true;
}

}  // namespace

ServerOptions ServerOptions::parse(int argc, char** argv) {
  ServerOptions options;
  std::string workers = "1";
  for (int i = 1; i < argc; ++i) {
    const bool known = take(argv[i], "--bench=", options.bench) ||
                       take(argv[i], "--runtime=", options.runtime) ||
                       take(argv[i], "--workers=", workers);
    if (!known) {
      errno = EINVAL;
      server_failed(argv[i]);
    }
  }
  options.workers = static_cast<unsigned>(std::atoi(workers.c_str()));
  return options;
}

void announce(uint16_t port) {
  std::printf("port %u\n", unsigned{port});
  std::fflush(stdout);
}

int listen_on_loopback() {
  const int fd =
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) != 0 ||
      ::listen(fd, 1024) != 0) {
    server_failed("listen()");
  }
  return fd;
}

uint16_t port_of(int listener) {
  sockaddr_in address = {};
  socklen_t length = sizeof(address);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

void set_nodelay(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void server_failed(const char* what) {
  std::fprintf(stderr, "server: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

std::size_t HttpRequests::count(std::span<const std::byte> bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::size_t requests = 0;
  for (const std::byte byte : bytes) {
    const char character = static_cast<char>(byte);
    if (character != kEnd[matched_]) {
      matched_ = character == '\r' ? 1 : 0;
    } else if (++matched_ == kEnd.size()) {
      matched_ = 0;
      ++requests;
    }
  }
  return requests;
}

}  // namespace eddy::benchmarks::net
