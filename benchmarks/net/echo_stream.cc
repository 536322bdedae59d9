#include "benchmarks/net/echo_stream.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {
namespace {

constexpr uint64_t kSeed = 1;

Frame first_frame(uint64_t connection, Work work) {
  Frame frame;
  frame.steps = work.steps;
  frame.sleep_us = work.sleep_us;
  frame.state = kSeed;
  frame.connection = connection;
  for (std::size_t i = 0; i < sizeof(frame.filler); ++i) {
    frame.filler[i] = static_cast<char>(connection * 31 + i);
  }
  return frame;
}

}  // namespace

EchoStream::EchoStream(uint16_t port, uint64_t connection, Work work)
    : socket_(Socket::connect(port)),
      request_(first_frame(connection, work)),
      expected_(request_) {
  expected_.state = advance(kSeed, work.steps);
}

bool EchoStream::send_next() {
  if (unsent_ == 0) {
    ++request_.sequence;
    unsent_ = sizeof(request_);
  }
  unsent_ -= socket_.send(std::as_bytes(std::span(&request_, 1)).last(unsent_));
  return unsent_ == 0;
}

std::size_t EchoStream::receive() {
  std::array<std::byte, 64 * sizeof(Frame)> buffer;
  std::copy_n(part_.begin(), part_bytes_, buffer.begin());
  const std::size_t received =
      socket_.receive(std::span(buffer).subspan(part_bytes_));
  const std::size_t size = part_bytes_ + received;
  const std::size_t answers = size / sizeof(Frame);
  for (std::size_t i = 0; i < answers; ++i) {
    check(buffer.data() + i * sizeof(Frame));
  }
  part_bytes_ = size % sizeof(Frame);
  std::copy_n(buffer.data() + size - part_bytes_, part_bytes_, part_.begin());
  return answers;
}

void EchoStream::check(const std::byte* answer) {
  ++expected_.sequence;
  if (std::memcmp(answer, &expected_, sizeof(expected_)) != 0) {
    fail("an answer is not what the request asks for");
  }
}

}  // namespace eddy::benchmarks::net
