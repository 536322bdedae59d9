// The workloads of the suite "forkjoin", but for how they are split: sizes,
// results, and the parts that run one after the other.
//
//   fib      fib(35) by its definition: 29,860,703 calls, no work but calls
//   skynet   a tree of tasks, ten below each, 10^7 leaves that are added up
//   nqueens  all ways to place 12 queens, a task for each safe place of the
//            first rows
//   matmul   C += A B of 1024 x 1024 floats, halved until blocks of 64
#ifndef EDDY_BENCHMARKS_WORKLOADS_FORKJOIN_H_
#define EDDY_BENCHMARKS_WORKLOADS_FORKJOIN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace eddy::benchmarks {

inline constexpr int kFib = 35;
inline constexpr long kFibResult = 9'227'465;

inline constexpr long kSkynetLeaves = 10'000'000;
inline constexpr long skynet_result(long leaves) {
  return leaves * (leaves - 1) / 2;
}

inline constexpr int kQueens = 12;
inline constexpr long kQueensResult = 14'200;
// Below, a board is searched by one task.
inline constexpr int kQueensSplitRows = 4;

// Where queens stand, by column of each row.
struct Board {
  std::array<int8_t, kQueens> columns;
  int rows = 0;

  bool is_safe(int column) const {
    for (int row = 0; row < rows; ++row) {
      const int distance = rows - row;
      const int other = columns[static_cast<std::size_t>(row)];
      if (other == column || other == column - distance ||
          other == column + distance) {
        return false;
      }
    }
    return true;
  }
  Board with(int column) const {
    Board next = *this;
    next.columns[static_cast<std::size_t>(next.rows++)] =
        static_cast<int8_t>(column);
    return next;
  }
};

inline long count_queens(const Board& board) {
  if (board.rows == kQueens) return 1;
  long ways = 0;
  for (int column = 0; column < kQueens; ++column) {
    if (board.is_safe(column)) ways += count_queens(board.with(column));
  }
  return ways;
}

inline constexpr std::size_t kMatrix = 1024;  // floats a side
inline constexpr std::size_t kMatrixBlock = 64;

// Square parts of matrices that lie in rows of kMatrix.
struct Product {
  float* c;
  const float* a;
  const float* b;
  std::size_t size;

  // The part of C in quarter (row, column), of the products of the quarters
  // (row, k) of A and (k, column) of B.
  Product quarter(std::size_t row, std::size_t column, std::size_t k) const {
    const std::size_t half = size / 2;
    return {c + (row * kMatrix + column) * half, a + (row * kMatrix + k) * half,
            b + (k * kMatrix + column) * half, half};
  }
};

// Not inlined, so that it is the same machine code in all programs; and with
// vectors by name: g++ 12 makes none at -O2, and took 5 times as long. They are
// as long as four registers, whose sums do not wait for each other.
[[gnu::noinline]] inline void multiply_block(const Product& p) {
  using Floats = float __attribute__((vector_size(64)));
  constexpr std::size_t kFloats = sizeof(Floats) / sizeof(float);
  for (std::size_t i = 0; i < p.size; ++i) {
    for (std::size_t k = 0; k < p.size; ++k) {
      const float factor = p.a[i * kMatrix + k];
      for (std::size_t j = 0; j < p.size; j += kFloats) {
        Floats sum, addend;
        std::memcpy(&sum, p.c + i * kMatrix + j, sizeof(sum));
        std::memcpy(&addend, p.b + k * kMatrix + j, sizeof(addend));
        sum += factor * addend;
        std::memcpy(p.c + i * kMatrix + j, &sum, sizeof(sum));
      }
    }
  }
}

// A(i, k) = 1 and B(k, j) = j % 8, so that C(i, j) = kMatrix * (j % 8).
class Matrices {
 public:
  Matrices() : a_(kMatrix * kMatrix, 1), b_(kMatrix * kMatrix), c_(b_.size()) {
    for (std::size_t i = 0; i < b_.size(); ++i) b_[i] = float(i % 8);
  }

  Product product() {
    c_.assign(c_.size(), 0);
    return {c_.data(), a_.data(), b_.data(), kMatrix};
  }
  bool is_right() const {
    for (std::size_t i = 0; i < c_.size(); ++i) {
      if (c_[i] != float(kMatrix * (i % 8))) return false;
    }
    return true;
  }

 private:
  std::vector<float> a_, b_, c_;
};

}  // namespace eddy::benchmarks

#endif  // EDDY_BENCHMARKS_WORKLOADS_FORKJOIN_H_
