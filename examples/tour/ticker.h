// tick_while(): runs a task beside another that ticks every millisecond, and
// tells how late the ticks came: what others on the same thread would notice.
//
//   auto [status, time, lateness] = co_await tick_while(write_files());
#ifndef EDDY_EXAMPLES_TOUR_TICKER_H_
#define EDDY_EXAMPLES_TOUR_TICKER_H_

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/sleep.h"

namespace eddy::examples::tour {

struct Lateness {
  std::chrono::nanoseconds median{0};
  std::chrono::nanoseconds worst{0};
};

// Sleeps to points 1 ms apart, until it is aborted. Not an Interval, whose
// missed ticks would come in a burst: here a delay counts once.
inline Task<> tick(std::vector<std::chrono::nanoseconds>& lateness) {
  for (;;) {
    const time::Instant due = time::now() + std::chrono::milliseconds(1);
    co_await time::sleep_until(due);
    lateness.push_back(time::now() - due);
  }
}

template <class T>
Task<std::tuple<T, std::chrono::nanoseconds, Lateness>> tick_while(
    Task<T> work) {
  std::vector<std::chrono::nanoseconds> ticks;
  auto ticking = spawn(tick(ticks));
  co_await time::sleep(std::chrono::milliseconds(5));  // it ticks by now
  const time::Instant start = time::now();
  T result = co_await std::move(work);
  const std::chrono::nanoseconds time = time::now() - start;
  // The tick that is due now shows what it waited for.
  co_await time::sleep(std::chrono::milliseconds(2));
  ticking.abort();
  (void)co_await ticking;
  std::sort(ticks.begin(), ticks.end());
  Lateness lateness;
  if (!ticks.empty()) {
    lateness = {.median = ticks[ticks.size() / 2], .worst = ticks.back()};
  }
  co_return std::tuple(std::move(result), time, lateness);
}

}  // namespace eddy::examples::tour

#endif  // EDDY_EXAMPLES_TOUR_TICKER_H_
