// An echo server on TCP.
//
//   ./bazelw run -c opt //examples:echo_server -- --port=7000 --workers=2
//   nc 127.0.0.1 7000

#include <array>
#include <csignal>
#include <cstddef>
#include <span>
#include <utility>

#include "examples/support/server_main.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/signal/signals.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"

namespace eddy::examples {
namespace {

Task<absl::Status> echo(io::TcpStream peer) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    EDDY_CO_ASSIGN_OR_RETURN(std::size_t size, co_await peer.read(buffer));
    if (size == 0) co_return absl::OkStatus();
    EDDY_CO_RETURN_IF_ERROR(
        co_await io::write_all(peer, std::span(buffer).first(size)));
  }
}

// The connections that are open at the end go with the runtime.
Task<absl::Status> serve(io::SocketAddr addr) {
  EDDY_CO_ASSIGN_OR_RETURN(auto signals,
                           io::Signals::listen({SIGINT, SIGTERM}));
  EDDY_CO_ASSIGN_OR_RETURN(auto listener, io::TcpListener::bind(addr));
  announce("tcp", listener.local_addr());
  Task<> stopped = until_signal(std::move(signals));
  for (;;) {
    auto first = co_await select_biased(stopped, listener.accept());
    if (first.index() == 0) co_return absl::OkStatus();
    EDDY_CO_ASSIGN_OR_RETURN(auto accepted, std::get<1>(std::move(first)));
    (void)accepted.stream.set_nodelay(true);  // else its first read will fail
    spawn(echo(std::move(accepted.stream))).detach();
  }
}

}  // namespace
}  // namespace eddy::examples

int main(int argc, char** argv) {
  return eddy::examples::server_main(
      argc, argv,
      "An echo server on TCP: sends back what it gets. Ends at SIGINT or "
      "SIGTERM.",
      eddy::examples::serve);
}
