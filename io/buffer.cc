#include "io/buffer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <new>

#include "absl/base/thread_annotations.h"
#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/base/sanitizer.h"

namespace eddy::io {
namespace {

// Sizes of which memory is kept: 4 KiB, and so on by 4 up to 1 MiB.
constexpr size_t kSizes = 5;
constexpr size_t kKeptBytes = size_t{128} << 20;  // of each size, at most
constexpr size_t kKeptPieces = 128;               // likewise
// What nobody has needed for so long is given back, some pieces at a time.
constexpr auto kNeededFor = std::chrono::seconds(1);
constexpr size_t kGivenBack = 16;

constexpr size_t bytes_of_class(size_t index) {
  return Buffer::kAlignment << (2 * index);
}

// kSizes for what is larger than all of them.
size_t class_of(size_t bytes) {
  size_t index = 0;
  while (index < kSizes && bytes_of_class(index) < bytes) ++index;
  return index;
}

std::byte* allocate(size_t bytes) {
  return static_cast<std::byte*>(
      ::operator new(bytes, std::align_val_t(Buffer::kAlignment)));
}

void deallocate(std::byte* memory, size_t bytes) noexcept {
  ::operator delete(memory, bytes, std::align_val_t(Buffer::kAlignment));
}

// What has been given back, in a stack for each size. The lock is held for a
// few instructions, by operations that do IO besides.
class Kept {
 public:
  std::byte* take() {
    base::MutexLock lock(&mutex_);
    if (count_ == 0) return nullptr;
    std::byte* const memory = pieces_[--count_];
    least_ = std::min(least_, count_);
    return memory;
  }

  // A piece of `bytes`.
  void put(std::byte* memory, size_t bytes) noexcept {
    std::array<std::byte*, kGivenBack> unneeded;
    size_t count = 0;
    const auto now = Clock::now();
    {
      base::MutexLock lock(&mutex_);
      if (count_ < std::min(kKeptPieces, kKeptBytes / bytes)) {
        pieces_[count_++] = memory;
      } else {
        unneeded[count++] = memory;
      }
      if (now >= next_look_) {
        for (; least_ > 0 && count < kGivenBack; --least_) {
          unneeded[count++] = pieces_[--count_];
        }
        least_ = count_;
        next_look_ = now + kNeededFor;
      }
    }
    for (size_t i = 0; i < count; ++i) deallocate(unneeded[i], bytes);
  }

 private:
  using Clock = std::chrono::steady_clock;

  base::Mutex mutex_;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t least_ ABSL_GUARDED_BY(mutex_) = 0;  // there were since the last look
  Clock::time_point next_look_ ABSL_GUARDED_BY(mutex_);
  std::array<std::byte*, kKeptPieces> pieces_ ABSL_GUARDED_BY(mutex_);
};

Kept& kept(size_t index) {
  // Not destroyed: buffers may end after static objects.
  static auto* const all = new std::array<Kept, kSizes>;
  return (*all)[index];
}

// AddressSanitizer has to see each buffer on its own.
constexpr bool kPooled = !EDDY_ASAN;

}  // namespace

Buffer::Buffer(size_t size) : size_(size) {
  if (size == 0) return;
  const size_t index = class_of(size);
  capacity_ = index < kSizes
                  ? bytes_of_class(index)
                  : (size + kAlignment - 1) / kAlignment * kAlignment;
  if (kPooled && index < kSizes) memory_ = kept(index).take();
  if (memory_ == nullptr) memory_ = allocate(capacity_);
}

Buffer::~Buffer() {
  if (memory_ == nullptr) return;
  const size_t index = class_of(capacity_);
  if (kPooled && index < kSizes) {
    kept(index).put(memory_, capacity_);
  } else {
    deallocate(memory_, capacity_);
  }
}

Buffer Buffer::copy_of(std::span<const std::byte> bytes) {
  Buffer buffer(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.data());
  return buffer;
}

void Buffer::slice(size_t offset, size_t size) {
  EDDY_CHECK(offset <= capacity_ && size <= capacity_ - offset,
             "Buffer::slice() beyond the memory: see capacity()");
  begin_ = offset;
  size_ = size;
}

}  // namespace eddy::io
