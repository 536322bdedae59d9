// Google Benchmarks of single units.
//
//   ./bazelw run -c opt //benchmarks/micro -- --benchmark_filter=LocalQueue
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
