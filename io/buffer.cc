#include "io/buffer.h"

#include <algorithm>
#include <array>
#include <new>

#include "absl/base/thread_annotations.h"
#include "runtime/base/check.h"
#include "runtime/base/mutex.h"
#include "runtime/base/sanitizer.h"

namespace eddy::io {
namespace {

// Sizes of which memory is kept: 4 KiB, and so on by 4 up to 1 MiB.
constexpr size_t kSizes = 5;
constexpr size_t kKeptBytes = size_t{4} << 20;  // of each size, at most
constexpr size_t kKeptPieces = 64;              // likewise

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
    return count_ == 0 ? nullptr : pieces_[--count_];
  }
  // False if there is enough already.
  bool put(std::byte* memory, size_t limit) {
    base::MutexLock lock(&mutex_);
    if (count_ >= std::min(limit, kKeptPieces)) return false;
    pieces_[count_++] = memory;
    return true;
  }

 private:
  base::Mutex mutex_;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
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
  if (kPooled && index < kSizes &&
      kept(index).put(memory_, kKeptBytes / capacity_)) {
    return;
  }
  deallocate(memory_, capacity_);
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
