// The load of the network comparison: one thread, epoll, checks every answer.
// Prints one line of JSON; benchmarks/net/README.md says what it means.
//
//   load --port=P --server_pids=PID --load=closed --connections=16
//
// Ends with 1 and a line on stderr if the server does anything wrong.

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "benchmarks/net/churn.h"
#include "benchmarks/net/closed_loop.h"
#include "benchmarks/net/connect.h"
#include "benchmarks/net/echo_stream.h"
#include "benchmarks/net/http_stream.h"
#include "benchmarks/net/idle.h"
#include "benchmarks/net/open_loop.h"
#include "benchmarks/net/process.h"
#include "benchmarks/net/window.h"

ABSL_FLAG(uint16_t, port, 0, "Of the server, on 127.0.0.1.");
ABSL_FLAG(std::vector<std::string>, server_pids, {},
          "The server's processes, whose CPU time is read.");
ABSL_FLAG(std::string, load, "closed", "closed, open, http, churn or idle.");
ABSL_FLAG(uint32_t, connections, 16, "How many are open at a time.");
ABSL_FLAG(uint32_t, rate, 1000, "Requests per second of an open loop.");
ABSL_FLAG(uint32_t, steps, 0, "Of computing, that each request asks for.");
ABSL_FLAG(uint32_t, stall_us, 0,
          "One more connection stalls the server: its requests sleep so long.");
ABSL_FLAG(uint32_t, stall_steps, 0, "Or compute so many steps.");
ABSL_FLAG(absl::Duration, warm_up, absl::Milliseconds(300),
          "Before it counts.");
ABSL_FLAG(absl::Duration, measured, absl::Seconds(3), "How long it counts.");

namespace eddy::benchmarks::net {
namespace {

Target target_of_flags() {
  Target target;
  target.port = absl::GetFlag(FLAGS_port);
  for (const std::string& text : absl::GetFlag(FLAGS_server_pids)) {
    pid_t process = 0;
    if (!absl::SimpleAtoi(text, &process)) fail("--server_pids has no number");
    target.processes.push_back(process);
  }
  return target;
}

Timing timing_of_flags() {
  return {.warm_up = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_warm_up)),
          .measured = absl::ToChronoNanoseconds(absl::GetFlag(FLAGS_measured))};
}

void raise_fd_limit() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Whatever happens, this process ends.
void limit_life(const Timing& timing) {
  const auto all = timing.warm_up * 2 + timing.measured + timing.patience +
                   std::chrono::seconds(20);
  ::alarm(static_cast<unsigned>(
      std::chrono::duration_cast<std::chrono::seconds>(all).count()));
}

Result run_closed(const Target& target, const Timing& timing) {
  const Work work = {.steps = absl::GetFlag(FLAGS_steps)};
  auto streams = connect_streams(
      absl::GetFlag(FLAGS_connections),
      [&](std::size_t i) { return EchoStream(target.port, i, work); });
  return ClosedLoop<EchoStream>(streams).run(target, timing);
}

Result run_http(const Target& target, const Timing& timing) {
  auto streams =
      connect_streams(absl::GetFlag(FLAGS_connections),
                      [&](std::size_t) { return HttpStream(target.port); });
  return ClosedLoop<HttpStream>(streams).run(target, timing);
}

Result run_open(const Target& target, const Timing& timing) {
  auto streams = connect_streams(
      absl::GetFlag(FLAGS_connections),
      [&](std::size_t i) { return EchoStream(target.port, i, Work{}); });
  const Work stall = {.steps = absl::GetFlag(FLAGS_stall_steps),
                      .sleep_us = absl::GetFlag(FLAGS_stall_us)};
  const bool stalls = stall.steps > 0 || stall.sleep_us > 0;
  auto stallers = connect_streams(stalls ? 1 : 0, [&](std::size_t) {
    return EchoStream(target.port, streams.size(), stall);
  });
  return run_open_loop(streams, stalls ? &stallers.front() : nullptr,
                       absl::GetFlag(FLAGS_rate), target, timing);
}

double to_us(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

void print(const Result& result) {
  const auto requests = static_cast<double>(result.requests);
  const double seconds = std::chrono::duration<double>(result.wall).count();
  std::printf(
      "{\"requests\": %llu, \"rps\": %.1f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
      "\"p999_us\": %.2f, \"max_us\": %.2f, \"cpu_ns\": %.1f}\n",
      static_cast<unsigned long long>(result.requests), requests / seconds,
      to_us(result.latency.quantile(0.5)), to_us(result.latency.quantile(0.99)),
      to_us(result.latency.quantile(0.999)), to_us(result.latency.max()),
      static_cast<double>(result.cpu.count()) / requests);
}

void print(const IdleResult& result) {
  std::printf(
      "{\"connections\": %u, \"bytes_per_connection\": %.1f, "
      "\"idle_cpu_percent\": %.4f}\n",
      absl::GetFlag(FLAGS_connections), result.bytes_per_connection,
      100.0 * static_cast<double>(result.cpu.count()) /
          static_cast<double>(result.wall.count()));
}

void run() {
  const Target target = target_of_flags();
  const Timing timing = timing_of_flags();
  const std::string load = absl::GetFlag(FLAGS_load);
  limit_life(timing);
  if (load == "closed") {
    print(run_closed(target, timing));
  } else if (load == "http") {
    print(run_http(target, timing));
  } else if (load == "open") {
    print(run_open(target, timing));
  } else if (load == "churn") {
    print(run_churn(absl::GetFlag(FLAGS_connections), target, timing));
  } else if (load == "idle") {
    print(run_idle(absl::GetFlag(FLAGS_connections), target, timing));
  } else {
    fail("--load is not closed, open, http, churn or idle");
  }
}

}  // namespace
}  // namespace eddy::benchmarks::net

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures a server; see the flags.");
  absl::ParseCommandLine(argc, argv);
  eddy::benchmarks::net::raise_fd_limit();
  eddy::benchmarks::net::run();
}
