// The queue of tasks that come from outside of the workers.
#include "runtime/scheduler/injection_queue.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>

namespace eddy::scheduler {
namespace {

// The queue keeps pointers, and never looks behind them.
task::Header* some_task() { return reinterpret_cast<task::Header*>(64); }

void push_pop(benchmark::State& run) {
  InjectionQueue queue;
  InjectionQueue::Consumer consumer(queue);
  for (auto _ : run) {
    queue.push(some_task());
    benchmark::DoNotOptimize(consumer.pop());
  }
}
BENCHMARK(push_pop)->Name("InjectionQueue/push+pop");

void push_pop_some(benchmark::State& run) {
  InjectionQueue queue;
  InjectionQueue::Consumer consumer(queue);
  std::array<task::Header*, 128> tasks;
  tasks.fill(some_task());
  for (auto _ : run) {
    queue.push_all(tasks);
    benchmark::DoNotOptimize(consumer.pop_some(tasks));
  }
  run.SetItemsProcessed(run.iterations() * static_cast<int64_t>(tasks.size()));
}
BENCHMARK(push_pop_some)->Name("InjectionQueue/push_all+pop_some, 128");

void empty(benchmark::State& run) {
  InjectionQueue queue;
  for (auto _ : run) benchmark::DoNotOptimize(queue.empty());
}
BENCHMARK(empty)->Name("InjectionQueue/empty");

}  // namespace
}  // namespace eddy::scheduler
