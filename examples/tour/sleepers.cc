// A task that waits is a coroutine frame, a timer in the wheel and nothing
// else.

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "examples/tour/acts.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"

namespace eddy::examples::tour {
namespace {

constexpr std::size_t kTasks = 10'000;
constexpr std::chrono::milliseconds kNap{1000};

// How late it woke.
Task<std::chrono::nanoseconds> nap() {
  const time::Instant due = time::now() + kNap;
  co_await time::sleep_until(due);
  co_return time::now() - due;
}

std::size_t heap_bytes() { return ::mallinfo2().uordblks; }

struct Figures {
  std::size_t bytes = 0;
  std::chrono::nanoseconds latest{0};
};

Task<Figures> nap_together() {
  std::vector<JoinHandle<std::chrono::nanoseconds>> handles;
  handles.reserve(kTasks);
  Figures figures;
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < kTasks; ++i) handles.push_back(spawn(nap()));
  // When this goes on, all of them sleep.
  co_await time::sleep(kNap / 2);
  figures.bytes = heap_bytes() - before;
  for (auto& handle : handles) {
    figures.latest = std::max(figures.latest, (co_await handle).value());
  }
  co_return figures;
}

}  // namespace

absl::Status play_sleepers(Report& report) {
  report.progress("10,000 tasks sleep for a second");
  report.section("10,000 tasks that sleep for 1 s, on one thread");
  EDDY_ASSIGN_OR_RETURN(const Runtime runtime,
                        Builder::current_thread().build());
  const Stopwatch watch;
  const Figures figures = runtime.block_on(nap_together());
  report.row("time", in_words(watch.wall()));
  report.row("CPU time, with starting and ending them", in_words(watch.cpu()));
  report.row("the latest woke after its time by", in_words(figures.latest));
  report.row("memory for each, its frame included",
             std::to_string(figures.bytes / kTasks) + " bytes");
  return absl::OkStatus();
}

}  // namespace eddy::examples::tour
