// The suite "blocking": jobs for the pool of threads that may block. What each
// workload does is in benchmarks/README.md; the programs of the peers do the
// same.

#include <cstddef>
#include <vector>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/runtime.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks {
namespace {

constexpr std::size_t kJobs = 200'000;
constexpr std::size_t kBatch = 1000;
constexpr std::size_t kRoundTrips = 20'000;

// Runs so many jobs, `batch` at a time; gives how many have ended.
Task<std::size_t> run_jobs(std::size_t jobs, std::size_t batch) {
  std::vector<JoinHandle<std::size_t>> handles;
  std::size_t done = 0;
  while (done < jobs) {
    for (std::size_t i = 0; i < batch; ++i) {
      handles.push_back(spawn_blocking([] { return std::size_t{1}; }));
    }
    for (JoinHandle<std::size_t>& handle : handles) {
      done += (co_await handle).value();
    }
    handles.clear();
  }
  co_return done;
}

Measured time_jobs(const Runtime& runtime, std::size_t jobs,
                   std::size_t batch) {
  auto run = [&](std::size_t n) {
    expect(runtime.block_on(runtime.spawn(run_jobs(n, batch))).value() == n,
           "how many jobs have ended");
  };
  run(jobs / 10);
  const Stopwatch watch;
  run(jobs);
  return watch.stop(jobs);
}

Measured blocking_batch(const Runtime& runtime, const Arguments&) {
  return time_jobs(runtime, kJobs, kBatch);
}

Measured blocking_roundtrip(const Runtime& runtime, const Arguments&) {
  return time_jobs(runtime, kRoundTrips, 1);
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(
      argc, argv,
      on_each_flavor("blocking", {
                                     {"blocking_batch", blocking_batch},
                                     {"blocking_roundtrip", blocking_roundtrip},
                                 }));
}
