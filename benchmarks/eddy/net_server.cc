// eddy's servers in the network comparison: runtimes eddy, eddy-noassist (its
// reactor thread runs no tasks) and eddy-current.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/net/protocol.h"
#include "benchmarks/net/server.h"
#include "io/net/socket_addr.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks::net {
namespace {

enum class Answered : uint8_t { kAll, kPartly, kNoMore };

// With a buffer that a connection which waits does not have. `rest`: what there
// was no room for, if kPartly.
absl::StatusOr<Answered> answer(io::TcpStream& peer,
                                std::vector<std::byte>& rest) {
  std::array<std::byte, kReadBytes> buffer;
  EDDY_ASSIGN_OR_RETURN(auto size, peer.try_read(buffer));
  if (size == 0u) return Answered::kNoMore;
  const auto bytes = std::span(buffer).first(size.value_or(0));
  work(bytes);
  EDDY_ASSIGN_OR_RETURN(auto sent, peer.try_write(bytes));
  const auto unsent = bytes.subspan(sent.value_or(0));
  if (unsent.empty()) return Answered::kAll;
  rest.assign(unsent.begin(), unsent.end());
  return Answered::kPartly;
}

Task<absl::Status> send(io::TcpStream& peer, std::vector<std::byte> rest) {
  co_return co_await io::write_all(peer, rest);
}

Task<absl::Status> echo(io::TcpStream peer) {
  for (;;) {
    EDDY_CO_RETURN_IF_ERROR(co_await peer.readable());
    std::vector<std::byte> rest;
    const absl::StatusOr<Answered> answered = answer(peer, rest);
    if (!answered.ok()) co_return answered.status();
    if (*answered == Answered::kNoMore) co_return absl::OkStatus();
    if (*answered == Answered::kAll) continue;
    EDDY_CO_RETURN_IF_ERROR(co_await send(peer, std::move(rest)));
  }
}

Task<absl::Status> http(io::TcpStream peer) {
  std::array<std::byte, kReadBytes> buffer;
  HttpRequests requests;
  for (;;) {
    EDDY_CO_ASSIGN_OR_RETURN(std::size_t size, co_await peer.read(buffer));
    if (size == 0) co_return absl::OkStatus();
    for (auto n = requests.count(std::span(buffer).first(size)); n > 0; --n) {
      EDDY_CO_RETURN_IF_ERROR(co_await io::write_all(peer, kHttpAnswer));
    }
  }
}

Task<absl::Status> serve(Task<absl::Status> (*connection)(io::TcpStream)) {
  EDDY_CO_ASSIGN_OR_RETURN(
      auto listener, io::TcpListener::bind(io::SocketAddr::loopback_v4(0)));
  announce(listener.local_addr().port());
  for (;;) {
    EDDY_CO_ASSIGN_OR_RETURN(auto accepted, co_await listener.accept());
    (void)accepted.stream.set_nodelay(true);  // else its first read will fail
    spawn(connection(std::move(accepted.stream))).detach();
  }
}

absl::StatusOr<Builder> builder_of(const ServerOptions& options) {
  if (options.runtime == "eddy-current") return Builder::current_thread();
  if (options.runtime == "eddy" || options.runtime == "eddy-noassist") {
    return Builder::multi_thread()
        .worker_threads(options.workers)
        .reactor_assist(options.runtime == "eddy");
  }
  return absl::InvalidArgumentError("no such runtime: " + options.runtime);
}

absl::Status run(const ServerOptions& options) {
  EDDY_ASSIGN_OR_RETURN(const Builder builder, builder_of(options));
  EDDY_ASSIGN_OR_RETURN(const Runtime runtime, builder.build());
  // As a task, so that on the multi-thread flavor a worker accepts.
  auto serving = runtime.spawn(serve(options.http() ? http : echo));
  return runtime.block_on(std::move(serving)).value();
}

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  using eddy::benchmarks::net::ServerOptions;
  const absl::Status status =
      eddy::benchmarks::net::run(ServerOptions::parse(argc, argv));
  std::fprintf(stderr, "server: %s\n", status.ToString().c_str());
  return 1;
}
