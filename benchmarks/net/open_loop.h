// An open loop: requests at a fixed rate, evenly spaced, over the connections
// in turn. The schedule goes on when the server stalls, and latency counts from
// the moment at which a request was due, so that a stall is seen by all
// requests that fell into it, and not by one for each connection.
#ifndef EDDY_BENCHMARKS_NET_OPEN_LOOP_H_
#define EDDY_BENCHMARKS_NET_OPEN_LOOP_H_

#include <cstdint>
#include <span>

#include "benchmarks/net/echo_stream.h"
#include "benchmarks/net/window.h"

namespace eddy::benchmarks::net {

// `staller`, if any, is a connection beside them, in a closed loop, of which
// nothing is counted.
Result run_open_loop(std::span<EchoStream> streams, EchoStream* staller,
                     uint64_t per_second, const Target& target,
                     const Timing& timing);

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_OPEN_LOOP_H_
