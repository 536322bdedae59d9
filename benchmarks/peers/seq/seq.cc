// The suite "forkjoin" as sequential code: calls, and one thread.

#include <array>
#include <cstddef>
#include <numeric>

#include "benchmarks/program/program.h"
#include "benchmarks/workloads/forkjoin.h"

namespace {

using namespace eddy::benchmarks;  // NOLINT(build/namespaces)

// A number that the compiler knows nothing of, so that it computes each time.
template <class T>
T opaque(T number) {
  __asm__ __volatile__("" : "+r"(number));
  return number;
}

[[gnu::noinline]] long fib(int n) {
  if (n < 2) return n;
  return fib(n - 1) + fib(n - 2);
}

[[gnu::noinline]] long skynet(long first, long leaves) {
  if (leaves == 1) return first;
  const long below = leaves / 10;
  long sum = 0;
  for (long i = 0; i < 10; ++i) sum += skynet(first + i * below, below);
  return sum;
}

void multiply(const Product& product) {
  if (product.size == kMatrixBlock) {
    multiply_block(product);
    return;
  }
  for (std::size_t k = 0; k < 2; ++k) {
    for (std::size_t row = 0; row < 2; ++row) {
      for (std::size_t column = 0; column < 2; ++column) {
        multiply(product.quarter(row, column, k));
      }
    }
  }
}

// Once to warm up, once timed.
template <class Run>
Measured measure(const Arguments& arguments, long expected, Run run) {
  expect(run() == expected, arguments.bench);
  const Stopwatch watch;
  const long result = run();
  const Measured measured = watch.stop(/*ops=*/1);
  expect(result == expected, arguments.bench);
  return measured;
}

Measured measure_matmul(const Arguments& arguments) {
  Matrices matrices;
  Measured measured;
  for (int round = 0; round < 2; ++round) {  // the first to warm up
    const Product product = matrices.product();
    const Stopwatch watch;
    multiply(product);
    measured = watch.stop(/*ops=*/1);
    expect(matrices.is_right(), arguments.bench);
  }
  return measured;
}

}  // namespace

int main(int argc, char** argv) {
  const auto measure_fib = [](const Arguments& a) {
    return measure(a, kFibResult, [] { return fib(opaque(kFib)); });
  };
  const auto measure_skynet = [](const Arguments& a) {
    return measure(a, skynet_result(kSkynetLeaves),
                   [] { return skynet(0, opaque(kSkynetLeaves)); });
  };
  const auto measure_queens = [](const Arguments& a) {
    return measure(a, kQueensResult, [] { return count_queens(Board()); });
  };
  return run_program(argc, argv,
                     {{"forkjoin", "fib", "seq", measure_fib},
                      {"forkjoin", "skynet", "seq", measure_skynet},
                      {"forkjoin", "nqueens", "seq", measure_queens},
                      {"forkjoin", "matmul", "seq", measure_matmul}});
}
