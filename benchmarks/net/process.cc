#include "benchmarks/net/process.h"

#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace eddy::benchmarks::net {

std::chrono::nanoseconds cpu_time(std::span<const pid_t> processes) {
  std::chrono::nanoseconds sum(0);
  for (const pid_t process : processes) {
    clockid_t clock = 0;
    timespec time = {};
    if (::clock_getcpuclockid(process, &clock) != 0 ||
        ::clock_gettime(clock, &time) != 0) {
      fail("the server has ended: it has no CPU clock");
    }
    sum += std::chrono::seconds(time.tv_sec) +
           std::chrono::nanoseconds(time.tv_nsec);
  }
  return sum;
}

uint64_t resident_bytes(std::span<const pid_t> processes) {
  uint64_t sum = 0;
  for (const pid_t process : processes) {
    // statm counts in batches per thread and may be a MiB off.
    const std::string path =
        "/proc/" + std::to_string(process) + "/smaps_rollup";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) fail_errno(path.c_str());
    char line[256];
    unsigned long long kib = 0;
    bool found = false;
    while (!found && std::fgets(line, sizeof(line), file) != nullptr) {
      found = std::sscanf(line, "Rss: %llu kB", &kib) == 1;
    }
    std::fclose(file);
    if (!found) fail("smaps_rollup has no Rss");
    sum += kib * 1024;
  }
  return sum;
}

void fail(const char* what) {
  std::fprintf(stderr, "load: %s\n", what);
  std::exit(1);
}

void fail_errno(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

}  // namespace eddy::benchmarks::net
