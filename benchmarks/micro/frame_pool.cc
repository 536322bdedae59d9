// Memory of coroutine frames, beside operator new.
#include "runtime/task/frame_pool.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <new>
#include <vector>

namespace eddy::task::frame_pool {
namespace {

constexpr std::size_t kSize = 144;  // bytes: a small task

struct FromPool {
  static void* allocate() { return frame_pool::allocate(kSize); }
  static void deallocate(void* memory) {
    frame_pool::deallocate(memory, kSize);
  }
};

struct FromNew {
  static void* allocate() { return ::operator new(kSize); }
  static void deallocate(void* memory) { ::operator delete(memory, kSize); }
};

// So many live at a time: from 129 on, frames go to the depot and come back.
template <class Source>
void allocate_all_free_all(benchmark::State& run) {
  std::vector<void*> live(static_cast<std::size_t>(run.range(0)));
  for (auto _ : run) {
    for (void*& memory : live) memory = Source::allocate();
    benchmark::ClobberMemory();
    for (void* memory : live) Source::deallocate(memory);
  }
  run.SetItemsProcessed(run.iterations() * run.range(0));
}
BENCHMARK_TEMPLATE(allocate_all_free_all, FromPool)
    ->Name("FramePool/allocate+free")
    ->Arg(1)
    ->Arg(10'000);
BENCHMARK_TEMPLATE(allocate_all_free_all, FromNew)
    ->Name("operator new+delete")
    ->Arg(1)
    ->Arg(10'000);

}  // namespace
}  // namespace eddy::task::frame_pool
