// Churn: connect, one request, its answer, close, in `slots` slots at a time.
// Latency counts from before connect() to the answer.
#ifndef EDDY_BENCHMARKS_NET_CHURN_H_
#define EDDY_BENCHMARKS_NET_CHURN_H_

#include <cstddef>

#include "benchmarks/net/window.h"

namespace eddy::benchmarks::net {

Result run_churn(std::size_t slots, const Target& target, const Timing& timing);

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_CHURN_H_
