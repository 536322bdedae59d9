// The suite "forkjoin" on oneTBB: with a task_group, and, as *_range, with
// parallel_for.

#include <oneapi/tbb.h>

#include <array>
#include <cstddef>
#include <numeric>

#include "benchmarks/program/program.h"
#include "benchmarks/workloads/forkjoin.h"

namespace {

using namespace eddy::benchmarks;  // NOLINT(build/namespaces)

long fib(int n) {
  if (n < 2) return n;
  long a, b;
  tbb::task_group group;
  group.run([&a, n] { a = fib(n - 1); });
  b = fib(n - 2);
  group.wait();
  return a + b;
}

long fib_range(int n) {
  if (n < 2) return n;
  std::array<long, 2> parts;
  tbb::parallel_for(std::size_t{0}, parts.size(), [&](std::size_t i) {
    parts[i] = fib_range(n - 1 - int(i));
  });
  return parts[0] + parts[1];
}

long skynet(long first, long leaves) {
  if (leaves == 1) return first;
  const long below = leaves / 10;
  std::array<long, 10> parts;
  tbb::task_group group;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    group.run([&part = parts[i], number = first + long(i) * below, below] {
      part = skynet(number, below);
    });
  }
  parts[0] = skynet(first, below);
  group.wait();
  return std::accumulate(parts.begin(), parts.end(), 0L);
}

long skynet_range(long first, long leaves) {
  if (leaves == 1) return first;
  const long below = leaves / 10;
  std::array<long, 10> parts;
  tbb::parallel_for(std::size_t{0}, parts.size(), [&](std::size_t i) {
    parts[i] = skynet_range(first + long(i) * below, below);
  });
  return std::accumulate(parts.begin(), parts.end(), 0L);
}

long queens(const Board& board) {
  if (board.rows == kQueensSplitRows) return count_queens(board);
  std::array<long, kQueens> ways = {};
  tbb::task_group group;
  for (int column = 0; column < kQueens; ++column) {
    if (!board.is_safe(column)) continue;
    group.run([&way = ways[std::size_t(column)], next = board.with(column)] {
      way = queens(next);
    });
  }
  group.wait();
  return std::accumulate(ways.begin(), ways.end(), 0L);
}

void multiply(const Product& product) {
  if (product.size == kMatrixBlock) {
    multiply_block(product);
    return;
  }
  for (std::size_t k = 0; k < 2; ++k) {
    tbb::task_group group;
    for (std::size_t row = 0; row < 2; ++row) {
      for (std::size_t column = 0; column < 2; ++column) {
        group.run([part = product.quarter(row, column, k)] { multiply(part); });
      }
    }
    group.wait();
  }
}

// A program has at most this many threads, the one that calls included.
class Workers {
 public:
  explicit Workers(const Arguments& arguments)
      : limit_(tbb::global_control::max_allowed_parallelism,
               arguments.workers) {}

 private:
  tbb::global_control limit_;
};

// Once to warm up, once timed.
template <class Run>
Measured measure(const Arguments& arguments, long expected, Run run) {
  const Workers workers(arguments);
  expect(run() == expected, arguments.bench);
  const Stopwatch watch;
  const long result = run();
  const Measured measured = watch.stop(/*ops=*/1);
  expect(result == expected, arguments.bench);
  return measured;
}

Measured measure_matmul(const Arguments& arguments) {
  const Workers workers(arguments);
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
    return measure(a, kFibResult, [] { return fib(kFib); });
  };
  const auto measure_fib_range = [](const Arguments& a) {
    return measure(a, kFibResult, [] { return fib_range(kFib); });
  };
  const auto measure_skynet = [](const Arguments& a) {
    return measure(a, skynet_result(kSkynetLeaves),
                   [] { return skynet(0, kSkynetLeaves); });
  };
  const auto measure_skynet_range = [](const Arguments& a) {
    return measure(a, skynet_result(kSkynetLeaves),
                   [] { return skynet_range(0, kSkynetLeaves); });
  };
  const auto measure_queens = [](const Arguments& a) {
    return measure(a, kQueensResult, [] { return queens(Board()); });
  };
  return run_program(argc, argv,
                     {{"forkjoin", "fib", "tbb", measure_fib},
                      {"forkjoin", "fib_range", "tbb", measure_fib_range},
                      {"forkjoin", "skynet", "tbb", measure_skynet},
                      {"forkjoin", "skynet_range", "tbb", measure_skynet_range},
                      {"forkjoin", "nqueens", "tbb", measure_queens},
                      {"forkjoin", "matmul", "tbb", measure_matmul}});
}
