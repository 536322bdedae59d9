#include "benchmarks/net/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace eddy::benchmarks::net {
namespace {

using std::chrono::nanoseconds;

TEST(LatencyHistogram, IsEmptyAtFirst) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.quantile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram.max(), nanoseconds(0));
}

TEST(LatencyHistogram, OneValueIsEveryQuantile) {
  LatencyHistogram histogram;
  histogram.record(nanoseconds(1'234'567));
  for (const double q : {0.0, 0.5, 0.999, 1.0}) {
    EXPECT_EQ(histogram.quantile(q), nanoseconds(1'234'567)) << q;
  }
}

// Each value of many sizes, at the edges of powers of two above all, is told
// from a greater one with an error below 1/128, and never too small.
TEST(LatencyHistogram, ErrorIsBounded) {
  for (uint64_t power = 1; power < LatencyHistogram::kLongest; power *= 2) {
    for (const uint64_t value : {power - 1, power, power + power / 3}) {
      LatencyHistogram histogram;
      histogram.record(nanoseconds(value));
      histogram.record(nanoseconds(LatencyHistogram::kLongest));
      const auto read = static_cast<uint64_t>(histogram.quantile(0.5).count());
      EXPECT_GE(read, value);
      EXPECT_LE(static_cast<double>(read - value),
                static_cast<double>(value) / 128);
    }
  }
}

TEST(LatencyHistogram, QuantilesAreThoseOfTheSortedValues) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::lognormal_distribution<double> distribution(11, 2);
  LatencyHistogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<uint64_t>(distribution(random)));
    histogram.record(nanoseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.5, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * 10'000));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto read = static_cast<double>(histogram.quantile(q).count());
    EXPECT_GE(read, exact) << q;
    EXPECT_LE(read, exact * (1 + 1.0 / 128)) << q;
  }
  EXPECT_EQ(static_cast<uint64_t>(histogram.max().count()), values.back());
}

TEST(LatencyHistogram, ClampsWhatIsOutOfRange) {
  LatencyHistogram histogram;
  histogram.record(nanoseconds(-5));
  EXPECT_EQ(histogram.quantile(1), nanoseconds(0));
  histogram.record(nanoseconds(uint64_t{1} << 50));
  EXPECT_EQ(histogram.count(), 2u);
  EXPECT_EQ(histogram.quantile(1), nanoseconds(LatencyHistogram::kLongest));
}

}  // namespace
}  // namespace eddy::benchmarks::net
