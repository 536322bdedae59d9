// DurationHistogram: how long things took, in buckets of which each is twice as
// wide as the one before.
//
//   const DurationHistogram& waits = runtime.metrics().blocking.wait_time;
//   if (waits.quantile(0.99) > 10ms) add_threads();
//
// DurationCounters counts them: one thread writes, without a locked operation,
// and any may read meanwhile.
//
// Threads: a plain value; the counters as said.
#ifndef EDDY_RUNTIME_BLOCKING_DURATION_HISTOGRAM_H_
#define EDDY_RUNTIME_BLOCKING_DURATION_HISTOGRAM_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace eddy::blocking {

struct DurationHistogram {
  // Up to 1 us, 2 us, 4 us and so on; the last one, from 67 s on, has no end.
  static constexpr std::size_t kBuckets = 28;

  static constexpr std::size_t bucket_of(std::chrono::nanoseconds time) {
    if (time <= std::chrono::microseconds(1)) return 0;
    const auto us = static_cast<uint64_t>(time.count() - 1) / 1000;
    return std::min<std::size_t>(std::bit_width(us), kBuckets - 1);
  }
  static constexpr std::chrono::nanoseconds upper_bound(std::size_t bucket) {
    if (bucket + 1 >= kBuckets) return std::chrono::nanoseconds::max();
    return std::chrono::microseconds(uint64_t{1} << bucket);
  }

  uint64_t count() const {
    uint64_t sum = 0;
    for (uint64_t in_bucket : buckets) sum += in_bucket;
    return sum;
  }
  // The upper bound of the bucket in which that share of them ends, 0 to 1;
  // zero if there are none.
  std::chrono::nanoseconds quantile(double share) const {
    const double wanted = share * static_cast<double>(count());
    uint64_t seen = 0;
    std::chrono::nanoseconds bound{0};
    for (std::size_t i = 0; i < kBuckets; ++i) {
      if (buckets[i] == 0) continue;
      seen += buckets[i];
      bound = upper_bound(i);
      if (static_cast<double>(seen) >= wanted) break;
    }
    return bound;
  }

  std::array<uint64_t, kBuckets> buckets = {};
};

class DurationCounters {
 public:
  DurationCounters() = default;
  DurationCounters(const DurationCounters&) = delete;
  DurationCounters& operator=(const DurationCounters&) = delete;

  void add(std::chrono::nanoseconds time) {
    std::atomic<uint64_t>& bucket =
        buckets_[DurationHistogram::bucket_of(time)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1,
                 std::memory_order_relaxed);
  }
  void add_to(DurationHistogram& sum) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      sum.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
    }
  }

 private:
  std::array<std::atomic<uint64_t>, DurationHistogram::kBuckets> buckets_ = {};
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_DURATION_HISTOGRAM_H_
