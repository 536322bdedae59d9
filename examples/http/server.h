// Server: HTTP/1.1 on a port, for the examples: keep-alive, pipelining, limits,
// an end without broken requests.
//
//   eddy::Task<absl::Status> run() {
//     EDDY_CO_ASSIGN_OR_RETURN(auto server, Server::bind(addr, hello));
//     co_return co_await server.serve(until_ctrl_c());
//   }
//
// Threads: belongs to one task; each connection has a task of its own, which
//          any worker may run.
// Cancel:  dropping serve() drops the connections.
// Errors:  bind(): as the kernel says. serve(): kCancelled: the runtime stops.
// Owner:   the listener and the connections.
#ifndef EDDY_EXAMPLES_HTTP_SERVER_H_
#define EDDY_EXAMPLES_HTTP_SERVER_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/http/connection.h"
#include "examples/http/limits.h"
#include "io/net/socket_addr.h"
#include "io/net/tcp_listener.h"
#include "runtime/task/task.h"

namespace eddy::examples::http {

class Server {
 public:
  static absl::StatusOr<Server> bind(const io::SocketAddr& addr,
                                     Handler handler, Limits limits = {});

  // With the port that the kernel chose.
  const io::SocketAddr& local_addr() const { return listener_->local_addr(); }

  // Serves until `until` is over; then takes no more connections, closes idle
  // ones, and gives requests in flight limits.grace to end. Once.
  Task<absl::Status> serve(Task<> until);

 private:
  struct Shared;  // with the connections

  Server(io::TcpListener listener, std::shared_ptr<Shared> shared);
  Task<absl::Status> accept_until(Task<> until);

  std::optional<io::TcpListener> listener_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_SERVER_H_
