// The same computation three times, beside a task that ticks: inside a task
// that never yields, inside one that yields, and on the blocking pool.

#include <chrono>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "examples/tour/acts.h"
#include "examples/tour/ticker.h"
#include "runtime/base/status.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"

namespace eddy::examples::tour {
namespace {

constexpr std::chrono::milliseconds kWork{500};
constexpr std::chrono::microseconds kPiece{200};

// Computes for so long, and gives what the compiler can't do without.
uint64_t compute(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  uint64_t value = 1;
  do {
    for (int i = 0; i < 1000; ++i) value = value * 6364136223846793005u + 1;
  } while (std::chrono::steady_clock::now() < end);
  return value;
}

Task<uint64_t> in_one_go() { co_return compute(kWork); }

Task<uint64_t> in_pieces() {
  uint64_t value = 0;
  for (std::chrono::nanoseconds done{0}; done < kWork; done += kPiece) {
    value += compute(kPiece);
    co_await yield_now();
  }
  co_return value;
}

Task<uint64_t> on_the_pool() {
  co_return (co_await spawn_blocking(compute, kWork)).value();
}

std::string describe(const Runtime& runtime, Task<uint64_t> job) {
  const Lateness lateness =
      std::get<Lateness>(runtime.block_on(tick_while(std::move(job))));
  return in_words(lateness.worst) + " at most, " + in_words(lateness.median) +
         " in the median";
}

}  // namespace

absl::Status play_cpu_hog(Report& report) {
  report.section(
      "A job of 500 ms CPU: how late does a 1 ms timer of the same thread "
      "come?");
  EDDY_ASSIGN_OR_RETURN(const Runtime runtime,
                        Builder::current_thread().build());
  report.progress("a CPU-bound job, by spawn_blocking()");
  report.row("the job in spawn_blocking()", describe(runtime, on_the_pool()));
  report.progress("a CPU-bound job that yields");
  report.row("the job in a task that yields every 200 us",
             describe(runtime, in_pieces()));
  report.progress("a CPU-bound job that does not yield");
  report.row("the job in a task that never yields: don't",
             describe(runtime, in_one_go()));
  return absl::OkStatus();
}

}  // namespace eddy::examples::tour
