// EchoLoad: a closed loop of 64-byte requests over many connections to an echo
// server on loopback, by one thread and epoll: each connection sends its next
// request when the answer to the last has come.
#ifndef EDDY_BENCHMARKS_FIRST_ECHO_LOAD_H_
#define EDDY_BENCHMARKS_FIRST_ECHO_LOAD_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eddy::benchmarks {

inline constexpr std::size_t kRequestBytes = 64;

struct LoadResult {
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds client_cpu{0};  // of the calling thread
  std::chrono::nanoseconds process_cpu{0};
};

// Runs on the calling thread. Ends the process if the server does not echo.
LoadResult run_echo_load(uint16_t port, std::size_t connections,
                         std::size_t requests);

// This thread, and those that it will start, on one CPU.
void pin_to_cpu(std::size_t cpu);

std::chrono::nanoseconds thread_cpu();
std::chrono::nanoseconds process_cpu();

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_FIRST_ECHO_LOAD_H_
