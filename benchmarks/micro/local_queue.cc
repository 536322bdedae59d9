// A worker's run queue: its owner's way, and that of a thief.
#include "runtime/scheduler/local_queue.h"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace eddy::scheduler {
namespace {

// The queue keeps pointers, and never looks behind them.
task::Header* some_task() { return reinterpret_cast<task::Header*>(64); }

void push(LocalQueue& queue, int64_t tasks) {
  LocalQueue::Batch evicted;
  for (int64_t i = 0; i < tasks; ++i) {
    benchmark::DoNotOptimize(queue.push(some_task(), evicted));
  }
}

void push_pop(benchmark::State& run) {
  LocalQueue queue;
  for (auto _ : run) {
    push(queue, run.range(0));
    for (int64_t i = 0; i < run.range(0); ++i) {
      benchmark::DoNotOptimize(queue.pop());
    }
  }
  run.SetItemsProcessed(run.iterations() * run.range(0));
}
BENCHMARK(push_pop)->Name("LocalQueue/push+pop")->Arg(1)->Arg(256);

// Half of a full queue goes over to another one, without a contender.
void steal(benchmark::State& run) {
  LocalQueue victim;
  LocalQueue thief;
  for (auto _ : run) {
    run.PauseTiming();
    while (thief.pop() != nullptr) {
    }
    push(victim, LocalQueue::kCapacity - victim.size());
    run.ResumeTiming();
    benchmark::DoNotOptimize(victim.steal_into(thief));
  }
  run.SetItemsProcessed(run.iterations() * LocalQueue::kHalf);
}
BENCHMARK(steal)->Name("LocalQueue/steal half");

}  // namespace
}  // namespace eddy::scheduler
