#include "benchmarks/net/idle.h"

#include <thread>

#include "benchmarks/net/connect.h"
#include "benchmarks/net/echo_stream.h"
#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {

IdleResult run_idle(std::size_t connections, const Target& target,
                    const Timing& timing) {
  const auto connect = [&](std::size_t i) {
    return EchoStream(target.port, i, Work{});
  };
  // What the server makes once, it makes for the first of them.
  const auto first = connect_streams(16, connect);
  std::this_thread::sleep_for(timing.warm_up);
  const uint64_t before = resident_bytes(target.processes);
  const auto idle = connect_streams(connections, connect);
  std::this_thread::sleep_for(timing.warm_up);
  const uint64_t after = resident_bytes(target.processes);
  const auto cpu = cpu_time(target.processes);
  const auto start = Clock::now();
  std::this_thread::sleep_for(timing.measured);
  const double grown = static_cast<double>(after) - static_cast<double>(before);
  return {.bytes_per_connection = grown / static_cast<double>(connections),
          .wall = Clock::now() - start,
          .cpu = cpu_time(target.processes) - cpu};
}

}  // namespace eddy::benchmarks::net
