#include "examples/http/server.h"

#include <utility>

#include "examples/http/connection_count.h"
#include "examples/http/stop.h"
#include "runtime/base/status.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/time/timeout.h"

namespace eddy::examples::http {

struct Server::Shared {
  Shared(Handler h, Limits l) : handler(std::move(h)), limits(l) {}

  const Handler handler;
  const Limits limits;
  Stop stop;   // when the current request is answered
  Stop abort;  // on the spot
  ConnectionCount open;
};

namespace {

// `slot` counts it until it is closed.
template <class Shared>
Task<> serve_connection(std::shared_ptr<Shared> shared,
                        [[maybe_unused]] ConnectionCount::Slot slot,
                        io::TcpStream stream) {
  Connection connection(std::move(stream), shared->handler, shared->limits,
                        shared->stop);
  Stop::Wait aborted = shared->abort.wait();
  co_await select_biased(connection.run(), aborted);
}

}  // namespace

absl::StatusOr<Server> Server::bind(const io::SocketAddr& addr, Handler handler,
                                    Limits limits) {
  EDDY_ASSIGN_OR_RETURN(io::TcpListener listener, io::TcpListener::bind(addr));
  return Server(std::move(listener),
                std::make_shared<Shared>(std::move(handler), limits));
}

Server::Server(io::TcpListener listener, std::shared_ptr<Shared> shared)
    : listener_(std::move(listener)), shared_(std::move(shared)) {}

Task<absl::Status> Server::serve(Task<> until) {
  struct AbortAtTheEnd {
    std::shared_ptr<Shared> shared;
    ~AbortAtTheEnd() { shared->abort.set(); }
  } guard{shared_};
  absl::Status status = co_await accept_until(std::move(until));
  listener_.reset();
  shared_->stop.set();
  absl::Status drained =
      co_await time::timeout(shared_->limits.grace, shared_->open.none());
  if (!drained.ok()) {
    shared_->abort.set();
    co_await shared_->open.none();
  }
  co_return status;
}

Task<absl::Status> Server::accept_until(Task<> until) {
  for (;;) {
    auto first = co_await select_biased(until, listener_->accept());
    if (first.index() == 0) co_return absl::OkStatus();
    EDDY_CO_ASSIGN_OR_RETURN(io::Accepted accepted,
                             std::get<1>(std::move(first)));
    io::TcpStream& stream = accepted.stream;
    // A response is one write; what follows it must not wait for an ACK. If the
    // connection is gone already, its first read says so.
    (void)stream.set_nodelay(true);
    ConnectionCount::Slot slot({shared_, &shared_->open});
    spawn(serve_connection(shared_, std::move(slot), std::move(stream)))
        .detach();
  }
}

}  // namespace eddy::examples::http
