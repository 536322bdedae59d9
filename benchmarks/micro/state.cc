// The edges of a task's state word, without a task.
#include "runtime/task/state.h"

#include <benchmark/benchmark.h>

namespace eddy::task {
namespace {

// What each poll of a task that was woken takes.
void wake_start_suspend(benchmark::State& run) {
  State state;
  benchmark::DoNotOptimize(state.start());
  benchmark::DoNotOptimize(state.suspend());
  for (auto _ : run) {
    benchmark::DoNotOptimize(state.wake());
    benchmark::DoNotOptimize(state.start());
    benchmark::DoNotOptimize(state.suspend());
  }
}
BENCHMARK(wake_start_suspend)->Name("State/wake+start+suspend");

// The second and further wakes before a poll.
void wake_again(benchmark::State& run) {
  State state;
  for (auto _ : run) benchmark::DoNotOptimize(state.wake());
}
BENCHMARK(wake_again)->Name("State/wake of what is queued");

void retain_release(benchmark::State& run) {
  State state;
  for (auto _ : run) {
    state.retain();
    benchmark::DoNotOptimize(state.release());
  }
}
BENCHMARK(retain_release)->Name("State/retain+release");

}  // namespace
}  // namespace eddy::task
