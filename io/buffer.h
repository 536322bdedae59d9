// Buffer: memory for IO. It is owned, so that an operation can keep it until
// the kernel is done with it; it is aligned as direct IO wants it; and it comes
// from a pool, so that large buffers are not mapped and zeroed again each time.
//
//   eddy::io::Buffer buffer(64 * 1024);          // not initialised
//   auto [count, back] = co_await file.read_at(std::move(buffer), 0);
//   if (count.ok()) use(back.bytes().first(*count));
//
// A buffer shows a window of its memory, at first all of the size asked for.
// Operations use the window: slice() moves it.
//
// Threads: a plain value; may be made on one thread and end on another.
// Errors:  std::bad_alloc.
// Owner:   its memory, until moved from; then it is empty.
#ifndef EDDY_IO_BUFFER_H_
#define EDDY_IO_BUFFER_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace eddy::io {

class Buffer {
 public:
  // Of the memory; what O_DIRECT needs on the usual disks.
  static constexpr size_t kAlignment = 4096;

  Buffer() {}
  explicit Buffer(size_t size);
  static Buffer copy_of(std::span<const std::byte> bytes);
  static Buffer copy_of(std::string_view text) {
    return copy_of(std::as_bytes(std::span(text)));
  }

  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer();

  // The window.
  std::byte* data() { return memory_ + begin_; }
  const std::byte* data() const { return memory_ + begin_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::byte* begin() { return data(); }
  std::byte* end() { return data() + size_; }
  const std::byte* begin() const { return data(); }
  const std::byte* end() const { return data() + size_; }
  std::span<std::byte> bytes() { return {data(), size_}; }
  std::span<const std::byte> bytes() const { return {data(), size_}; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(data()), size_};
  }

  // Moves the window to `size` bytes from `offset` of the memory on.
  void slice(size_t offset, size_t size);
  // Bytes of memory: at least the size asked for, a multiple of kAlignment.
  size_t capacity() const { return capacity_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
  }

  std::byte* memory_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t size_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_BUFFER_H_
