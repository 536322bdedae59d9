// Idle: connections that were served once and then wait: what they cost the
// server in memory and, doing nothing, in CPU time.
#ifndef EDDY_BENCHMARKS_NET_IDLE_H_
#define EDDY_BENCHMARKS_NET_IDLE_H_

#include <chrono>
#include <cstddef>

#include "benchmarks/net/window.h"

namespace eddy::benchmarks::net {

struct IdleResult {
  double bytes_per_connection = 0;  // what the server's resident memory grew by
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};  // of the server, meanwhile
};

IdleResult run_idle(std::size_t connections, const Target& target,
                    const Timing& timing);

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_IDLE_H_
