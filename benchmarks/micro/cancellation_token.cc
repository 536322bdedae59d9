// A token that nobody cancels: to look at it, to wait for it and be ready
// before it, to make a child.
#include "sync/cancellation_token.h"

#include <benchmark/benchmark.h>

#include "runtime/task/context.h"

namespace eddy {
namespace {

void is_cancelled(benchmark::State& run) {
  sync::CancellationToken token;
  for (auto _ : run) benchmark::DoNotOptimize(token.is_cancelled());
}
BENCHMARK(is_cancelled)->Name("CancellationToken/is_cancelled");

void wait_and_drop(benchmark::State& run) {
  sync::CancellationToken token;
  const Waker nobody;
  for (auto _ : run) {
    auto wait = token.cancelled();
    Context cx(nobody);
    benchmark::DoNotOptimize(wait.poll(cx).is_ready());
  }
}
BENCHMARK(wait_and_drop)->Name("CancellationToken/wait+drop");

void child_and_drop(benchmark::State& run) {
  sync::CancellationToken token;
  for (auto _ : run) {
    auto child = token.child_token();
    benchmark::DoNotOptimize(child);
  }
}
BENCHMARK(child_and_drop)->Name("CancellationToken/child+drop");

}  // namespace
}  // namespace eddy
