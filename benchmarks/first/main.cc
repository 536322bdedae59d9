// A first measurement of eddy, and of an echo server beside raw epoll. What
// each figure means is in benchmarks/README.md.
//
//   ./bazelw run -c opt //benchmarks/first -- --rounds=5

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/first/echo_load.h"
#include "benchmarks/first/raw_echo.h"
#include "io/net/tcp_listener.h"
#include "io/net/tcp_stream.h"
#include "io/write_all.h"
#include "runtime/builder.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/oneshot.h"

ABSL_FLAG(uint32_t, rounds, 5, "How often each figure is measured.");
ABSL_FLAG(uint32_t, workers, 2, "Of the multi-thread runtime.");
ABSL_FLAG(uint32_t, percent, 100,
          "How much of the work is done: less for a quick look.");

namespace eddy::benchmarks {
namespace {

using Nanoseconds = std::chrono::duration<double, std::nano>;

struct Sample {
  double median;
  double least;
  double most;
};

Sample sample(const std::function<double()>& measure) {
  std::vector<double> values;
  for (uint32_t i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
    values.push_back(measure());
  }
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

std::size_t share_of(std::size_t work) {
  return std::max<std::size_t>(1, work * absl::GetFlag(FLAGS_percent) / 100);
}

// --- Tasks -------------------------------------------------------------------

Task<> nothing() { co_return; }

Task<> spawn_and_join(std::size_t tasks) {
  std::vector<JoinHandle<void>> handles;
  handles.reserve(tasks);
  for (std::size_t i = 0; i < tasks; ++i) handles.push_back(spawn(nothing()));
  for (auto& handle : handles) (co_await handle).value();
}

Task<> yield_often(std::size_t turns) {
  for (std::size_t i = 0; i < turns; ++i) co_await yield_now();
}

Task<> yield_together(std::size_t tasks, std::size_t turns) {
  std::vector<JoinHandle<void>> handles;
  for (std::size_t i = 0; i < tasks; ++i) {
    handles.push_back(spawn(yield_often(turns)));
  }
  for (auto& handle : handles) (co_await handle).value();
}

using Reply = sync::oneshot::Sender<int>;

Task<> pong(sync::oneshot::Receiver<Reply> request) {
  std::optional<Reply> reply = co_await request;
  (void)std::move(*reply).send(1);
}

// One round: a task is spawned, is sent a request, and answers.
Task<> ping_pong(std::size_t rounds) {
  for (std::size_t i = 0; i < rounds; ++i) {
    auto [to_pong, request] = sync::oneshot::create<Reply>();
    auto [to_ping, answer] = sync::oneshot::create<int>();
    spawn(pong(std::move(request))).detach();
    (void)std::move(to_pong).send(std::move(to_ping));
    (void)co_await answer;
  }
}

// Runs `work` as a task, so that on the multi-thread flavor it starts on a
// worker; nanoseconds per operation.
double time_per(const Runtime& runtime, Task<> work, std::size_t operations) {
  const auto start = std::chrono::steady_clock::now();
  runtime.block_on(runtime.spawn(std::move(work))).value();
  const Nanoseconds time = std::chrono::steady_clock::now() - start;
  return time.count() / static_cast<double>(operations);
}

void print(const char* what, const char* unit, Sample one, Sample many) {
  std::printf("%-34s %7.1f (%.1f-%.1f)   %7.1f (%.1f-%.1f)  %s\n", what,
              one.median, one.least, one.most, many.median, many.least,
              many.most, unit);
  std::fflush(stdout);
}

void measure_tasks() {
  const Runtime one = *Builder::current_thread().build();
  const Runtime many = *Builder::multi_thread()
                            .worker_threads(absl::GetFlag(FLAGS_workers))
                            .build();
  std::printf("%-34s %-22s %s\n", "", "current-thread", "multi-thread");
  const std::size_t spawns = share_of(1'000'000);
  auto spawning = [&](const Runtime& runtime) {
    return sample(
        [&] { return time_per(runtime, spawn_and_join(spawns), spawns); });
  };
  print("spawn + join", "ns each", spawning(one), spawning(many));
  const std::size_t turns = share_of(1000);
  auto yielding = [&](const Runtime& runtime) {
    return sample([&] {
      return time_per(runtime, yield_together(200, turns), 200 * turns);
    });
  };
  print("yield, 200 tasks", "ns each", yielding(one), yielding(many));
  const std::size_t rounds = share_of(100'000);
  auto playing = [&](const Runtime& runtime) {
    return sample([&] { return time_per(runtime, ping_pong(rounds), rounds); });
  };
  print("ping-pong over oneshot, with spawn", "ns each", playing(one),
        playing(many));
}

// --- Echo --------------------------------------------------------------------

Task<> echo(io::TcpStream peer) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> size = co_await peer.read(buffer);
    if (!size.ok() || *size == 0) co_return;
    const auto bytes = std::span(buffer).first(*size);
    if (!(co_await io::write_all(peer, bytes)).ok()) co_return;
  }
}

Task<> serve(std::promise<uint16_t>& port, sync::oneshot::Receiver<int>& stop) {
  auto listener = *io::TcpListener::bind(io::SocketAddr::loopback_v4(0));
  port.set_value(listener.local_addr().port());
  for (;;) {
    auto first = co_await select_biased(stop, listener.accept());
    if (first.index() == 0) co_return;
    io::Accepted accepted = *std::get<1>(std::move(first));
    (void)accepted.stream.set_nodelay(true);
    spawn(echo(std::move(accepted.stream))).detach();
  }
}

struct Echo {
  double cpu_us;      // of the server, per request
  double per_second;  // requests
};

// `server` runs on a thread pinned to CPU 0, the load on this one, on CPU 1.
Echo measure_echo(std::size_t connections,
                  const std::function<void(std::promise<uint16_t>&)>& server,
                  const std::function<void()>& stop) {
  const std::size_t requests = share_of(connections == 1 ? 50'000 : 200'000);
  std::promise<uint16_t> port;
  std::thread thread([&] {
    pin_to_cpu(0);
    server(port);
  });
  const LoadResult result =
      run_echo_load(port.get_future().get(), connections, requests);
  stop();
  thread.join();
  const auto server_cpu = result.process_cpu - result.client_cpu;
  const auto count = static_cast<double>(requests);
  return {Nanoseconds(server_cpu).count() / count / 1000,
          count / std::chrono::duration<double>(result.wall).count()};
}

Echo measure_raw(std::size_t connections) {
  RawEcho server;
  return measure_echo(
      connections,
      [&](std::promise<uint16_t>& port) {
        port.set_value(server.port());
        server.run();
      },
      [&] { server.stop(); });
}

Echo measure_eddy(std::size_t connections, const Builder& builder) {
  auto [stop, stopped] = sync::oneshot::create<int>();
  auto& receiver = stopped;  // g++ 12 can't capture a structured binding
  auto& sender = stop;
  return measure_echo(
      connections,
      [&](std::promise<uint16_t>& port) {
        const Runtime runtime = *builder.build();
        runtime.block_on(runtime.spawn(serve(port, receiver))).value();
      },
      [&] { (void)std::move(sender).send(0); });
}

void measure_echoes() {
  pin_to_cpu(1);
  struct Server {
    const char* name;
    std::function<Echo(std::size_t)> measure;
  };
  const std::array<Server, 3> servers = {{
      {"raw epoll", measure_raw},
      {"eddy, current-thread",
       [](std::size_t connections) {
         return measure_eddy(connections, Builder::current_thread());
       }},
      {"eddy, 1 worker + reactor",
       [](std::size_t connections) {
         return measure_eddy(connections,
                             Builder::multi_thread().worker_threads(1));
       }},
  }};
  std::printf("\n64-byte echo, server on CPU 0, load on CPU 1\n");
  std::printf("%-26s %11s  %-24s %s\n", "", "connections", "CPU us/request",
              "requests/s");
  for (const std::size_t connections : {1, 16, 256}) {
    for (const Server& server : servers) {
      std::vector<double> rates;
      const Sample cpu = sample([&] {
        const Echo result = server.measure(connections);
        rates.push_back(result.per_second);
        return result.cpu_us;
      });
      std::sort(rates.begin(), rates.end());
      std::printf("%-26s %11zu  %7.2f (%.2f-%.2f)      %9.0f\n", server.name,
                  connections, cpu.median, cpu.least, cpu.most,
                  rates[rates.size() / 2]);
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Measures spawn, yield, ping-pong and echo; medians, and the range.");
  absl::ParseCommandLine(argc, argv);
  eddy::benchmarks::measure_tasks();
  eddy::benchmarks::measure_echoes();
}
