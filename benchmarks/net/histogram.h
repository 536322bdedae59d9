// LatencyHistogram: counts of latencies, from which quantiles are read with an
// error of less than 1/128, as in HdrHistogram: a range from one power of two
// to the next is divided into 128 buckets of one width.
//
// Threads: one. record() allocates nothing.
#ifndef EDDY_BENCHMARKS_NET_HISTOGRAM_H_
#define EDDY_BENCHMARKS_NET_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace eddy::benchmarks::net {

class LatencyHistogram {
 public:
  // What is longer, 18 minutes, counts as this.
  static constexpr uint64_t kLongest = (uint64_t{1} << 40) - 1;  // ns

  void record(std::chrono::nanoseconds latency) {
    const auto value = static_cast<uint64_t>(
        std::max<std::chrono::nanoseconds::rep>(0, latency.count()));
    ++buckets_[bucket_of(std::min(value, kLongest))];
    max_ = std::max(max_, value);
    ++count_;
  }

  uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const {
    return std::chrono::nanoseconds(max_);
  }

  // The least latency that the share `q` of all, 0 to 1, did not exceed; 0 if
  // there are none.
  std::chrono::nanoseconds quantile(double q) const {
    const auto rank =
        static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank && seen > 0) {
        return std::chrono::nanoseconds(std::min(upper_edge(i), max_));
      }
    }
    return std::chrono::nanoseconds(0);
  }

 private:
  static constexpr unsigned kBits = 7;
  static constexpr std::size_t kBuckets = (40 - kBits + 1) << kBits;

  // The shift leaves the upper 8 bits; values below 256 have a bucket each.
  static constexpr std::size_t bucket_of(uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kBits + 1 ? width - kBits - 1 : 0;
    return (std::size_t{shift} << kBits) + (value >> shift);
  }

  static constexpr uint64_t upper_edge(std::size_t bucket) {
    if (bucket < std::size_t{2} << kBits) return bucket;
    const auto shift = static_cast<unsigned>((bucket >> kBits) - 1);
    const uint64_t upper = bucket - (std::size_t{shift} << kBits);
    return ((upper + 1) << shift) - 1;
  }

  std::array<uint64_t, kBuckets> buckets_ = {};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_HISTOGRAM_H_
