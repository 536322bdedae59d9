#include "tests/support/allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace eddy::testing {
namespace {

std::atomic<int64_t> bytes{0};
thread_local constinit uint64_t until_failure = 0;  // 0: none is planned
thread_local constinit bool failed = false;

// Before each allocation.
void count(std::size_t size) {
  bytes.fetch_add(static_cast<int64_t>(size), std::memory_order_relaxed);
  if (until_failure != 0 && --until_failure == 0) {
    failed = true;
    throw std::bad_alloc();
  }
}

}  // namespace

bool allocations_are_counted() {
  const int64_t before = allocated_bytes();
  ::operator delete(::operator new(1));
  return allocated_bytes() != before;
}

int64_t allocated_bytes() { return bytes.load(std::memory_order_relaxed); }

FailAllocation::FailAllocation(uint64_t nth) {
  until_failure = nth;
  failed = false;
}
FailAllocation::~FailAllocation() { stop(); }
void FailAllocation::stop() { until_failure = 0; }
bool FailAllocation::happened() const { return failed; }

}  // namespace eddy::testing

// Weak: ThreadSanitizer's runtime for clang brings its own, and they would
// clash.
[[gnu::weak]] void* operator new(std::size_t size) {
  eddy::testing::count(size);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

[[gnu::weak]] void* operator new(std::size_t size, std::align_val_t align) {
  eddy::testing::count(size);
  const auto alignment = static_cast<std::size_t>(align);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  if (void* memory = std::aligned_alloc(alignment, rounded)) return memory;
  throw std::bad_alloc();
}

[[gnu::weak]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::weak]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
[[gnu::weak]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::weak]] void operator delete(void* memory, std::size_t,
                                   std::align_val_t) noexcept {
  std::free(memory);
}
