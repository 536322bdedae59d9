// The same workloads as in rings.cc, by liburing and a loop: what there is to
// reach.
#ifndef EDDY_BENCHMARKS_RINGS_RAW_H_
#define EDDY_BENCHMARKS_RINGS_RAW_H_

#include <cstddef>
#include <cstdint>

namespace eddy::benchmarks {

inline constexpr std::size_t kBlock = 4096;

// `count` operations, `depth` at a time: random reads of a block of a file that
// has `blocks`, or, where `fd` is -1, none at all (IORING_OP_NOP). `deferred`:
// with IORING_SETUP_DEFER_TASKRUN, which ties the ring to one thread.
void run_raw_ring(int fd, uint64_t blocks, std::size_t count, std::size_t depth,
                  bool deferred);

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_RINGS_RAW_H_
