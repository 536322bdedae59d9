// What another process has used: its CPU time, exact to the nanosecond, and its
// memory. A server may consist of several processes, as nginx does.
#ifndef EDDY_BENCHMARKS_NET_PROCESS_H_
#define EDDY_BENCHMARKS_NET_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>

namespace eddy::benchmarks::net {

// Of all of their threads, those that have ended included, in user mode and in
// the kernel.
std::chrono::nanoseconds cpu_time(std::span<const pid_t> processes);

// Bytes in memory, as the kernel counts them page by page.
uint64_t resident_bytes(std::span<const pid_t> processes);

// Ends this process with 1 and a line on stderr: a figure of a load that went
// wrong is worse than none.
[[noreturn]] void fail(const char* what);
// With the text of errno.
[[noreturn]] void fail_errno(const char* what);

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_PROCESS_H_
