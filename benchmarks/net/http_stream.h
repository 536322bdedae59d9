// HttpStream: a connection that sends the same GET again and again, and checks
// status and body of each answer.
#ifndef EDDY_BENCHMARKS_NET_HTTP_STREAM_H_
#define EDDY_BENCHMARKS_NET_HTTP_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "benchmarks/net/socket.h"

namespace eddy::benchmarks::net {

class HttpStream {
 public:
  explicit HttpStream(uint16_t port) : socket_(Socket::connect(port)) {}

  int fd() const { return socket_.fd(); }

  // As EchoStream has them; one request at a time.
  bool send_next();
  std::size_t receive();

 private:
  Socket socket_;
  std::size_t unsent_ = 0;
  std::array<char, 1024> answer_;  // servers add headers of their own
  std::size_t received_ = 0;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_HTTP_STREAM_H_
