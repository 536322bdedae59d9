// What a server puts up with.
#ifndef EDDY_EXAMPLES_HTTP_LIMITS_H_
#define EDDY_EXAMPLES_HTTP_LIMITS_H_

#include <chrono>
#include <cstddef>

namespace eddy::examples::http {

struct Limits {
  std::size_t max_head_bytes = 16 * 1024;    // request line and headers: 431
  std::size_t max_headers = 100;             // 431
  std::size_t max_body_bytes = 1024 * 1024;  // 413

  // From the first byte of a request to its last: 408.
  std::chrono::nanoseconds request_timeout = std::chrono::seconds(10);
  // Between requests: the connection is closed without a word.
  std::chrono::nanoseconds idle_timeout = std::chrono::seconds(60);
  // For each batch of responses to be taken off by the client.
  std::chrono::nanoseconds write_timeout = std::chrono::seconds(10);
  // For requests in flight, once the server is told to stop.
  std::chrono::nanoseconds grace = std::chrono::seconds(10);
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_LIMITS_H_
