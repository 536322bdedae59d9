// An HTTP/1.1 server.
//
//   ./bazelw run -c opt //examples:http_server -- --port=8080 --workers=2
//   curl -i http://127.0.0.1:8080/
//   curl --data-binary @README.md http://127.0.0.1:8080/echo

#include <chrono>
#include <csignal>
#include <cstdint>
#include <utility>

#include "absl/flags/flag.h"
#include "examples/http/demo_routes.h"
#include "examples/http/limits.h"
#include "examples/http/server.h"
#include "examples/support/server_main.h"
#include "io/signal/signals.h"
#include "runtime/base/status.h"
#include "runtime/task/task.h"

ABSL_FLAG(uint32_t, max_head_bytes, 16 * 1024,
          "Request line and headers that are longer are answered by 431.");
ABSL_FLAG(uint32_t, max_body_bytes, 1024 * 1024,
          "Request bodies that are longer are answered by 413.");
ABSL_FLAG(uint32_t, request_timeout_ms, 10'000,
          "A request that takes longer to arrive is answered by 408.");
ABSL_FLAG(uint32_t, idle_timeout_ms, 60'000,
          "A connection without a request for longer is closed.");
ABSL_FLAG(uint32_t, write_timeout_ms, 10'000,
          "A client that takes longer to read a response is disconnected.");
ABSL_FLAG(uint32_t, grace_ms, 10'000,
          "How long requests in flight may take after SIGINT or SIGTERM.");

namespace eddy::examples {
namespace {

http::Limits limits_from_flags() {
  using std::chrono::milliseconds;
  http::Limits limits;
  limits.max_head_bytes = absl::GetFlag(FLAGS_max_head_bytes);
  limits.max_body_bytes = absl::GetFlag(FLAGS_max_body_bytes);
  limits.request_timeout =
      milliseconds(absl::GetFlag(FLAGS_request_timeout_ms));
  limits.idle_timeout = milliseconds(absl::GetFlag(FLAGS_idle_timeout_ms));
  limits.write_timeout = milliseconds(absl::GetFlag(FLAGS_write_timeout_ms));
  limits.grace = milliseconds(absl::GetFlag(FLAGS_grace_ms));
  return limits;
}

Task<absl::Status> serve(io::SocketAddr addr) {
  EDDY_CO_ASSIGN_OR_RETURN(auto signals,
                           io::Signals::listen({SIGINT, SIGTERM}));
  EDDY_CO_ASSIGN_OR_RETURN(
      auto server,
      http::Server::bind(addr, http::demo_routes(), limits_from_flags()));
  announce("http", server.local_addr());
  co_return co_await server.serve(until_signal(std::move(signals)));
}

}  // namespace
}  // namespace eddy::examples

int main(int argc, char** argv) {
  return eddy::examples::server_main(
      argc, argv,
      "An HTTP/1.1 server: GET /, POST /echo, GET /sleep?ms=50, "
      "GET /sum?n=1000.\nSIGINT or SIGTERM ends it after the requests in "
      "flight.",
      eddy::examples::serve);
}
