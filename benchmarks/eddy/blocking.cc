// The suite "blocking": jobs for the pool of threads that may block. What each
// workload does is in benchmarks/README.md; the programs of the peers do the
// same.

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/runtime.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

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

Task<std::vector<double>> round_trips_us(std::size_t count) {
  std::vector<double> times;
  while (times.size() < count) {
    const auto begin = steady_clock::now();
    JoinHandle<void> job = spawn_blocking([] {});
    (co_await job).value();
    times.push_back(
        std::chrono::duration<double, std::micro>(steady_clock::now() - begin)
            .count());
  }
  co_return times;
}

Measured blocking_roundtrip_p50(const Runtime& runtime, const Arguments&) {
  auto run = [&](std::size_t n) {
    return runtime.block_on(runtime.spawn(round_trips_us(n))).value();
  };
  run(kRoundTrips / 10);
  const Stopwatch watch;
  std::vector<double> times = run(kRoundTrips);
  Measured measured = watch.stop(kRoundTrips);
  const auto middle = times.begin() + kRoundTrips / 2;
  std::nth_element(times.begin(), middle, times.end());
  measured.value = *middle;
  measured.unit = "p50_us";
  return measured;
}

// As precisely as the kernel can: usually it adds 50 us.
void sleep_for(std::chrono::nanoseconds time) {
  prctl(PR_SET_TIMERSLACK, 1);
  std::this_thread::sleep_for(time);
}

// All at once, from a pool without threads.
Measured sleep_together(const Runtime& runtime, std::size_t jobs,
                        std::chrono::nanoseconds time) {
  const Stopwatch watch;
  auto sleepers = [&]() -> Task<std::size_t> {
    std::vector<JoinHandle<void>> handles;
    for (std::size_t i = 0; i < jobs; ++i) {
      handles.push_back(spawn_blocking(sleep_for, time));
    }
    std::size_t done = 0;
    for (JoinHandle<void>& handle : handles) {
      done += (co_await handle).has_value();
    }
    co_return done;
  };
  expect(runtime.block_on(runtime.spawn(sleepers)).value() == jobs,
         "how many jobs have slept");
  return watch.stop(1);
}

Measured blocking_sleep_512(const Runtime& runtime, const Arguments&) {
  return sleep_together(runtime, 512, 100ms);
}

Measured blocking_queue_1ms(const Arguments& arguments) {
  const Runtime runtime =
      *builder_of(arguments).max_blocking_threads(64).build();
  return sleep_together(runtime, 100'000, 1ms);
}

// Each time another task is there, which goes on on another thread.
Measured block_in_place(const Runtime& runtime, const Arguments&) {
  auto run = [&](std::size_t n) {
    auto blocker = [n]() -> Task<std::size_t> {
      std::size_t done = 0;
      while (done < n) {
        JoinHandle<std::size_t> other =
            spawn([]() -> Task<std::size_t> { co_return 1; });
        eddy::block_in_place([] {});
        done += (co_await other).value();
      }
      co_return done;
    };
    expect(runtime.block_on(runtime.spawn(blocker)).value() == n,
           "how many tasks have run");
  };
  run(kRoundTrips / 10);
  const Stopwatch watch;
  run(kRoundTrips);
  return watch.stop(kRoundTrips);
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  std::vector<Entry> entries = on_each_flavor(
      "blocking", {
                      {"blocking_batch", blocking_batch},
                      {"blocking_roundtrip", blocking_roundtrip},
                      {"blocking_roundtrip_p50", blocking_roundtrip_p50},
                      {"blocking_sleep_512", blocking_sleep_512},
                      {"block_in_place", block_in_place},
                  });
  for (const char* flavor : kFlavors) {
    entries.push_back(
        {"blocking", "blocking_queue_1ms", flavor, blocking_queue_1ms});
  }
  return run_program(argc, argv, entries);
}
