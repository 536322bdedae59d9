#include "benchmarks/net/http_stream.h"

#include <span>
#include <string_view>

#include "benchmarks/net/process.h"
#include "benchmarks/net/protocol.h"

namespace eddy::benchmarks::net {

bool HttpStream::send_next() {
  if (unsent_ == 0) unsent_ = kHttpRequest.size();
  const std::span request(kHttpRequest);
  unsent_ -= socket_.send(std::as_bytes(request.last(unsent_)));
  return unsent_ == 0;
}

std::size_t HttpStream::receive() {
  if (received_ == answer_.size()) fail("an HTTP answer is too long");
  received_ += socket_.receive(
      std::as_writable_bytes(std::span(answer_).subspan(received_)));
  const std::string_view answer(answer_.data(), received_);
  const std::size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos) return 0;
  const std::string_view body = answer.substr(head + 4);
  if (body.size() < kHttpBody.size()) return 0;
  if (!answer.starts_with("HTTP/1.1 200 ") || body != kHttpBody) {
    fail("an HTTP answer has another status or body");
  }
  received_ = 0;
  return 1;
}

}  // namespace eddy::benchmarks::net
