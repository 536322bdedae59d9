// RunningServer: a Server of examples/http on a thread of its own.
//
//   RunningServer server(demo_routes());
//   HttpClient client(server.port());
#ifndef EDDY_TESTS_EXAMPLES_RUNNING_SERVER_H_
#define EDDY_TESTS_EXAMPLES_RUNNING_SERVER_H_

#include <cstdint>
#include <future>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "examples/http/server.h"
#include "examples/http/stop.h"
#include "io/net/socket_addr.h"
#include "runtime/builder.h"

namespace eddy::examples::http {

class RunningServer {
 public:
  // `workers` 0: current-thread.
  explicit RunningServer(Handler handler, Limits limits = {},
                         unsigned workers = 0)
      : thread_([this, handler = std::move(handler), limits, workers] {
          Runtime runtime =
              workers == 0
                  ? *Builder::current_thread().build()
                  : *Builder::multi_thread().worker_threads(workers).build();
          status_ = runtime.block_on(serve(handler, limits));
        }) {
    port_ = bound_.get_future().get();
  }
  ~RunningServer() {
    if (thread_.joinable()) (void)end();
  }

  uint16_t port() const { return port_; }

  // Begins the graceful end.
  void stop() { stop_.set(); }
  // Waits for it, and returns what serve() did.
  absl::Status end() {
    stop();
    thread_.join();
    return status_;
  }

 private:
  Task<absl::Status> serve(Handler handler, Limits limits) {
    Server server =
        *Server::bind(io::SocketAddr::loopback_v4(0), handler, limits);
    bound_.set_value(server.local_addr().port());
    co_return co_await server.serve(until_stopped());
  }
  Task<> until_stopped() { co_await stop_.wait(); }

  Stop stop_;
  std::promise<uint16_t> bound_;
  uint16_t port_ = 0;
  absl::Status status_;
  std::thread thread_;  // last: uses the others
};

}  // namespace eddy::examples::http

#endif  // EDDY_TESTS_EXAMPLES_RUNNING_SERVER_H_
