// Slab<T>: objects that are found by a small index, and whose memory never
// moves and is never handed back while the slab lives.
//
//   Slab<Entry> entries;
//   uint32_t index = entries.acquire();
//   entries[index].fd = fd;
//   ...
//   entries.release(index);
//
// An object is constructed once, with its page, and is used again as it was
// left. So whoever holds an index that is out of date finds a T, though perhaps
// one that serves another: T carries a generation by which it can tell.
//
// Page p has kFirstPage << p objects: an index gives its page without a search,
// and the table of pages never grows.
//
// Threads: any. [] takes no lock.
// Errors:  std::bad_alloc. More than 2^31 objects at once end the process.
#ifndef EDDY_RUNTIME_BASE_SLAB_H_
#define EDDY_RUNTIME_BASE_SLAB_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/base/mutex.h"

namespace eddy::base {

template <class T>
class Slab {
 public:
  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (std::atomic<T*>& page : pages_) {
      delete[] page.load(std::memory_order_relaxed);
    }
  }

  // The index of an object that nobody else uses: the one released last, whose
  // memory is likely to be in a cache.
  uint32_t acquire() {
    MutexLock lock(&mu_);
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (size_ == capacity_) add_page();
    return size_++;
  }

  // Room in the list of free indices was made by acquire(): this cannot fail.
  void release(uint32_t index) noexcept {
    MutexLock lock(&mu_);
    free_.push_back(index);
  }

  // `index` came from acquire(), at some time.
  T& operator[](uint32_t index) const {
    const Place place = place_of(index);
    // [page] acquire
    T* page = pages_[place.page].load(std::memory_order_acquire);
    EDDY_DCHECK(page != nullptr, "an index that was never acquired");
    return page[place.offset];
  }

  // Indices below this have been acquired at some time.
  uint32_t size() const {
    MutexLock lock(&mu_);
    return size_;
  }

 private:
  static constexpr uint32_t kFirstPage = 64;
  static constexpr int kPages = 25;  // 2^31 objects

  struct Place {
    int page;
    uint32_t offset;
  };

  static constexpr Place place_of(uint32_t index) {
    const int page = std::bit_width(index / kFirstPage + 1) - 1;
    return {page, index - kFirstPage * ((uint32_t{1} << page) - 1)};
  }
  static_assert(place_of(0).page == 0 && place_of(63).offset == 63);
  static_assert(place_of(64).page == 1 && place_of(64).offset == 0);
  static_assert(place_of(191).page == 1 && place_of(192).page == 2);

  void add_page() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const int page = place_of(capacity_).page;
    EDDY_CHECK(page < kPages, "a slab is full: 2^31 objects");
    const uint32_t count = kFirstPage << page;
    auto objects = std::make_unique<T[]>(count);
    free_.reserve(capacity_ + count);
    capacity_ += count;
    // [page] release
    pages_[page].store(objects.release(), std::memory_order_release);
  }

  mutable Mutex mu_;
  std::vector<uint32_t> free_ ABSL_GUARDED_BY(mu_);
  uint32_t size_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t capacity_ ABSL_GUARDED_BY(mu_) = 0;
  std::array<std::atomic<T*>, kPages> pages_ = {};
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_SLAB_H_
