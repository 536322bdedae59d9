// The timing wheel, without its lock and clock.
#include "runtime/time/wheel.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace eddy::time {
namespace {

// What becomes of most timers: they are removed before they are due.
void insert_remove(benchmark::State& run) {
  Wheel wheel;
  TimerEntry entry;
  for (auto _ : run) {
    wheel.insert(entry, 30'000);
    wheel.remove(entry);
  }
}
BENCHMARK(insert_remove)->Name("Wheel/insert+remove");

// Timers of 1..1000 ticks, which come down from two levels.
void insert_expire(benchmark::State& run) {
  constexpr std::size_t kTimers = 10'000;
  constexpr Tick kSpan = 1000;
  Wheel wheel;
  const auto entries = std::make_unique<TimerEntry[]>(kTimers);
  Tick now = 0;
  for (auto _ : run) {
    for (std::size_t i = 0; i < kTimers; ++i) {
      wheel.insert(entries[i], now + 1 + i % kSpan);
    }
    now += kSpan;
    while (wheel.pop_due(now) != nullptr) {
    }
  }
  run.SetItemsProcessed(run.iterations() * static_cast<int64_t>(kTimers));
}
BENCHMARK(insert_expire)->Name("Wheel/insert+expire, 10000");

}  // namespace
}  // namespace eddy::time
