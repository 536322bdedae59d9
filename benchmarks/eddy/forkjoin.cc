// The suite "forkjoin" on eddy: with fork_join() of children that are there,
// and, as *_range, with fork_join_into() of children that are made when they
// begin.

#include "benchmarks/workloads/forkjoin.h"

#include <array>
#include <cstddef>
#include <numeric>
#include <span>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/fork_join/fork_join_each.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"

namespace {

using namespace eddy;              // NOLINT(build/namespaces)
using namespace eddy::benchmarks;  // NOLINT(build/namespaces)

Task<long> fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await fork_join(fib(n - 1), fib(n - 2));
  co_return a + b;
}

Task<long> fib_range(int n) {
  if (n < 2) co_return n;
  std::array<long, 2> parts;
  auto part = [n](std::size_t i) { return fib_range(n - 1 - int(i)); };
  co_await fork_join_into(std::span(parts), part);
  co_return parts[0] + parts[1];
}

Task<long> skynet(long first, long leaves) {
  if (leaves == 1) co_return first;
  const long below = leaves / 10;
  auto part = [=](long i) { return skynet(first + i * below, below); };
  auto [a, b, c, d, e, f, g, h, i, j] =
      co_await fork_join(part(0), part(1), part(2), part(3), part(4), part(5),
                         part(6), part(7), part(8), part(9));
  co_return a + b + c + d + e + f + g + h + i + j;
}

Task<long> skynet_range(long first, long leaves) {
  if (leaves == 1) co_return first;
  const long below = leaves / 10;
  std::array<long, 10> parts;
  auto part = [=](std::size_t i) {
    return skynet_range(first + long(i) * below, below);
  };
  co_await fork_join_into(std::span(parts), part);
  co_return std::accumulate(parts.begin(), parts.end(), 0L);
}

Task<long> queens(Board board) {
  if (board.rows == kQueensSplitRows) co_return count_queens(board);
  std::array<int, kQueens> columns;
  std::size_t count = 0;
  for (int column = 0; column < kQueens; ++column) {
    if (board.is_safe(column)) columns[count++] = column;
  }
  std::array<long, kQueens> ways;
  auto place = [&](std::size_t i) { return queens(board.with(columns[i])); };
  co_await fork_join_into(std::span(ways).first(count), place);
  co_return std::accumulate(ways.begin(), ways.begin() + long(count), 0L);
}

// Two rounds of four products, since two products add to each quarter of C.
Task<> multiply(Product product) {
  if (product.size == kMatrixBlock) {
    multiply_block(product);
    co_return;
  }
  for (std::size_t k = 0; k < 2; ++k) {
    co_await fork_join(
        multiply(product.quarter(0, 0, k)), multiply(product.quarter(0, 1, k)),
        multiply(product.quarter(1, 0, k)), multiply(product.quarter(1, 1, k)));
  }
}

// `make` gives the whole computation as a task: once to warm up, once timed.
template <class T, class Make>
Measured measure(const Arguments& arguments, T expected, Make make) {
  const Runtime runtime = make_runtime(arguments);
  const auto run = [&] {
    return runtime.block_on(runtime.spawn(make())).value();
  };
  expect(run() == expected, arguments.bench);
  const Stopwatch watch;
  const T result = run();
  const Measured measured = watch.stop(/*ops=*/1);
  expect(result == expected, arguments.bench);
  return measured;
}

Measured measure_matmul(const Arguments& arguments) {
  const Runtime runtime = make_runtime(arguments);
  Matrices matrices;
  Measured measured;
  for (int round = 0; round < 2; ++round) {  // the first to warm up
    const Product product = matrices.product();
    const Stopwatch watch;
    runtime.block_on(runtime.spawn(multiply(product))).value();
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
  return run_program(
      argc, argv,
      {{"forkjoin", "fib", "eddy", measure_fib},
       {"forkjoin", "fib_range", "eddy", measure_fib_range},
       {"forkjoin", "skynet", "eddy", measure_skynet},
       {"forkjoin", "skynet_range", "eddy", measure_skynet_range},
       {"forkjoin", "nqueens", "eddy", measure_queens},
       {"forkjoin", "matmul", "eddy", measure_matmul}});
}
