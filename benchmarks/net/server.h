// What the C++ servers of the network comparison have in common.
//
//   int main(int argc, char** argv) {
//     const auto options = ServerOptions::parse(argc, argv);
//     const int listener = listen_on_loopback();
//     announce(port_of(listener));
//     ...
//   }
//
// They serve until SIGTERM, which ends them as it ends any program.
#ifndef EDDY_BENCHMARKS_NET_SERVER_H_
#define EDDY_BENCHMARKS_NET_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace eddy::benchmarks::net {

struct ServerOptions {
  // Of --bench=B --runtime=R --workers=N. Ends the process if that is not what
  // the command line has.
  static ServerOptions parse(int argc, char** argv);

  std::string bench;
  std::string runtime;
  unsigned workers = 1;

  bool http() const { return bench.starts_with("http_"); }
};

// "port N", for whoever started the server.
void announce(uint16_t port);

// A listening socket on a port that the kernel chooses; it does not block.
int listen_on_loopback();
uint16_t port_of(int listener);
void set_nodelay(int fd);

// Ends the process with 1 and a line on stderr.
[[noreturn]] void server_failed(const char* what);

// Finds the ends of requests in what a connection sends, however it is cut up:
// of a request nothing counts but the empty line at its end.
class HttpRequests {
 public:
  // How many requests end in `bytes`.
  std::size_t count(std::span<const std::byte> bytes);

 private:
  unsigned matched_ = 0;  // of the characters of "\r\n\r\n"
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_SERVER_H_
