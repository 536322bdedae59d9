// EchoStream: a connection that sends Frames, and checks each answer against
// what was asked.
#ifndef EDDY_BENCHMARKS_NET_ECHO_STREAM_H_
#define EDDY_BENCHMARKS_NET_ECHO_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "benchmarks/net/protocol.h"
#include "benchmarks/net/socket.h"

namespace eddy::benchmarks::net {

// What each request asks of the server.
struct Work {
  uint32_t steps = 0;
  uint32_t sleep_us = 0;
};

class EchoStream {
 public:
  EchoStream(uint16_t port, uint64_t connection, Work work);

  int fd() const { return socket_.fd(); }
  Socket& socket() { return socket_; }

  // True if the next request has been sent whole. Otherwise the kernel has no
  // more room; the next call goes on where this one stopped.
  bool send_next();

  // Reads once; how many answers are whole now.
  std::size_t receive();

 private:
  void check(const std::byte* answer);

  Socket socket_;
  Frame request_;
  std::size_t unsent_ = 0;  // bytes at the end of request_
  Frame expected_;
  // An answer that has come in part.
  std::array<std::byte, sizeof(Frame)> part_;
  std::size_t part_bytes_ = 0;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_ECHO_STREAM_H_
