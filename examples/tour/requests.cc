// A server on a multi-thread runtime, and a client that is one thread, with a
// task for each of its connections. Each response is a future of the client;
// all of them are counted.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/http/demo_routes.h"
#include "examples/http/server.h"
#include "examples/http/stop.h"
#include "examples/tour/acts.h"
#include "examples/tour/counted.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"

namespace eddy::examples::tour {
namespace {

constexpr std::size_t kConnections = 100;

Task<> wait_for(http::Stop& stop) { co_await stop.wait(); }

// A request whose answer takes 1 to 20 ms, so that it has to be waited for.
Task<absl::Status> request(io::TcpStream& stream, std::size_t index,
                           Counts& counts) {
  const std::string text = "GET /sleep?ms=" + std::to_string(1 + index % 20) +
                           " HTTP/1.1\r\nHost: tour\r\n\r\n";
  EDDY_CO_RETURN_IF_ERROR(co_await io::write_all(stream, text));
  std::array<std::byte, 1024> buffer;
  EDDY_CO_ASSIGN_OR_RETURN(const std::size_t size,
                           co_await Counted(stream.read(buffer), counts));
  const std::string_view answer(reinterpret_cast<const char*>(buffer.data()),
                                size);
  if (!answer.starts_with("HTTP/1.1 200")) {
    co_return absl::InternalError("the server's answer is not 200");
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::vector<io::TcpStream>>> connect_all(uint16_t port) {
  std::vector<io::TcpStream> streams;
  for (std::size_t i = 0; i < kConnections; ++i) {
    EDDY_CO_ASSIGN_OR_RETURN(
        auto stream,
        co_await io::TcpStream::connect(io::SocketAddr::loopback_v4(port)));
    streams.push_back(std::move(stream));
  }
  co_return streams;
}

Task<absl::Status> request_all(std::vector<io::TcpStream>& streams,
                               std::vector<Counts>& counts) {
  std::vector<JoinHandle<absl::Status>> handles;
  for (std::size_t i = 0; i < streams.size(); ++i) {
    handles.push_back(spawn(request(streams[i], i, counts[i])));
  }
  absl::Status status;
  for (auto& handle : handles) status.Update((co_await handle).value());
  co_return status;
}

void report_counts(const std::vector<Counts>& all, Report& report) {
  uint64_t polls = 0;
  uint64_t wakes = 0;
  uint32_t most = 0;
  for (const Counts& counts : all) {
    const uint32_t of_this = counts.polls.load(std::memory_order_relaxed);
    polls += of_this;
    wakes += counts.wakes.load(std::memory_order_relaxed);
    most = std::max(most, of_this);
  }
  report.row("response futures", std::to_string(all.size()));
  report.row("polls of them", std::to_string(polls) + ", of one at most " +
                                  std::to_string(most));
  report.row("wakes of them", std::to_string(wakes));
  report.row("polls that were neither the first nor after a wake",
             std::to_string(polls - std::min(polls, all.size() + wakes)));
}

absl::Status run_client(const Runtime& client, uint16_t port, Report& report) {
  EDDY_ASSIGN_OR_RETURN(auto streams, client.block_on(connect_all(port)));
  std::vector<Counts> counts(kConnections);
  const RuntimeMetrics before = client.metrics();
  const Stopwatch watch;
  EDDY_RETURN_IF_ERROR(client.block_on(request_all(streams, counts)));
  const RuntimeMetrics after = client.metrics();
  report.row("time, of which the slowest answer takes 20 ms",
             in_words(watch.wall()));
  report_counts(counts, report);
  report.row(
      "polls of the client's tasks",
      std::to_string(after.scheduler.polls - before.scheduler.polls) + " for " +
          std::to_string(
              after.scheduler.schedules + after.scheduler.reschedules -
              before.scheduler.schedules - before.scheduler.reschedules) +
          " spawns, wakes and yields");
  report.row("waits for events (epoll) by the client's thread",
             std::to_string(after.reactor.polls - before.reactor.polls) +
                 ", which brought " +
                 std::to_string(after.reactor.events - before.reactor.events) +
                 " events");
  return absl::OkStatus();
}

}  // namespace

absl::Status play_requests(Report& report) {
  report.progress("100 HTTP requests on 100 connections");
  report.section("100 HTTP requests on 100 connections, by one thread");
  EDDY_ASSIGN_OR_RETURN(const Runtime server_runtime,
                        Builder::multi_thread().worker_threads(2).build());
  EDDY_ASSIGN_OR_RETURN(const Runtime client,
                        Builder::current_thread().build());
  http::Stop stop;
  const auto guard = server_runtime.enter();
  EDDY_ASSIGN_OR_RETURN(
      http::Server server,
      http::Server::bind(io::SocketAddr::loopback_v4(0), http::demo_routes()));
  const uint16_t port = server.local_addr().port();
  auto serving = server_runtime.spawn(server.serve(wait_for(stop)));
  absl::Status status = run_client(client, port, report);
  stop.set();
  status.Update(client.block_on(std::move(serving)).value());
  return status;
}

}  // namespace eddy::examples::tour
