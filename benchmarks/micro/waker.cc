// A copy of a waker, which is a call through a vtable and a counted reference.
#include "runtime/task/waker.h"

#include <benchmark/benchmark.h>

#include <atomic>

namespace eddy {
namespace {

class Counter final : public Wakeable {
 public:
  void wake() noexcept override {}
  void wake_and_release() noexcept override { release(); }
  void retain() noexcept override {
    count_.fetch_add(1, std::memory_order_relaxed);
  }
  void release() noexcept override {
    count_.fetch_sub(1, std::memory_order_acq_rel);
  }

 private:
  std::atomic<int> count_{1};
};

void clone_and_drop(benchmark::State& run) {
  Counter counter;
  Waker waker = Waker::adopt(&counter);
  benchmark::DoNotOptimize(waker);
  for (auto _ : run) {
    Waker copy = waker;
    benchmark::DoNotOptimize(copy);
  }
}
BENCHMARK(clone_and_drop)->Name("Waker/clone+drop");

}  // namespace
}  // namespace eddy
