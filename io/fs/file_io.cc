#include "io/fs/file_io.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/base/check.h"

namespace eddy::io {
namespace {

using Output = absl::StatusOr<size_t>;

// What a span is copied through, at most; the rest is for the next call.
constexpr size_t kMostCopied = size_t{1} << 20;
constexpr size_t kMostParts = 64;

template <class Parts>
size_t size_of(Parts parts) {
  size_t size = 0;
  for (const auto& part : parts) size += part.size();
  return size;
}

// A file's position knows nothing of one that is a pipe or a terminal until the
// kernel says so.
bool has_no_position(int64_t result, OpenFile& file) {
  if (result != -ESPIPE || file.cursor.position == kNoOffset) return false;
  file.cursor.position = kNoOffset;
  return true;
}

void advance(OpenFile& file, int64_t count) {
  if (count > 0 && file.cursor.position != kNoOffset) {
    file.cursor.position += static_cast<uint64_t>(count);
  }
}

}  // namespace

Output transferred(int64_t result, const OpenFile& file, const char* what) {
  if (result >= 0) return static_cast<size_t>(result);
  return file.error(static_cast<int>(-result), what);
}

Sequential::Sequential(Sequential&& other) noexcept : file_(other.file_) {
  EDDY_CHECK(!other.entered_, "a future that reads or writes was moved");
}

Poll<void> Sequential::poll_enter(Context& cx) {
  if (entered_) return kReady;
  EDDY_CHECK(!file_.cursor.in_use,
             "two reads or writes at the position of one File at once: use "
             "read_at() and write_at(), or try_clone() the File");
  if (file_.writes.poll_none(cx).is_pending()) return kPending;
  file_.cursor.in_use = entered_ = true;
  return kReady;
}

void Sequential::leave() {
  if (std::exchange(entered_, false)) file_.cursor.in_use = false;
}

Poll<Output> FileRead::poll(Context& cx) {
  if (!run_) {
    if (!cx.has_budget()) return cx.yield();
    if (poll_enter(cx).is_pending()) return kPending;
    int64_t result = read_at_once();
    if (has_no_position(result, file_)) result = read_at_once();
    if (result != -EAGAIN) {
      cx.spend();
      return finish(result);
    }
    submit();
  }
  for (;;) {
    Poll<int64_t> poll = run_->poll(cx);
    if (poll.is_pending()) return kPending;
    if (!has_no_position(*poll, file_)) return finish(*poll);
    submit();
  }
}

int64_t FileRead::read_at_once() const {
  std::array<iovec, kMostParts> list;
  size_t count = 0;
  for (const std::span<std::byte> part : parts()) {
    if (count == list.size()) break;
    list[count++] = {part.data(), part.size()};
  }
  return file_.read_at_once({list.data(), count}, file_.cursor.position);
}

void FileRead::submit() {
  run_.reset();
  run_.emplace(std::make_unique<ReadOperation<Buffer>>(
                   file_.shared_from_this(),
                   Buffer(std::min(size_of(parts()), kMostCopied)),
                   file_.cursor.position),
               file_.prefer_to_read());
}

Output FileRead::finish(int64_t result) {
  if (run_ && result > 0) {
    std::span<const std::byte> bytes =
        run_->operation().bytes().bytes().first(static_cast<size_t>(result));
    for (const std::span<std::byte> part : parts()) {
      const size_t size = std::min(part.size(), bytes.size());
      if (size > 0) std::memcpy(part.data(), bytes.data(), size);
      bytes = bytes.subspan(size);
    }
  }
  run_.reset();
  advance(file_, result);
  leave();
  return transferred(result, file_, "read");
}

Poll<Output> FileWrite::poll(Context& cx) {
  if (!run_) {
    if (poll_enter(cx).is_pending()) return kPending;
    submit();
  }
  for (;;) {
    Poll<int64_t> poll = run_->poll(cx);
    if (poll.is_pending()) return kPending;
    if (!has_no_position(*poll, file_)) return finish(*poll);
    submit();
  }
}

void FileWrite::submit() {
  run_.reset();
  Buffer bytes(std::min(size_of(parts()), kMostCopied));
  std::span<std::byte> room = bytes.bytes();
  for (const std::span<const std::byte> part : parts()) {
    const size_t size = std::min(part.size(), room.size());
    if (size > 0) std::memcpy(room.data(), part.data(), size);
    room = room.subspan(size);
  }
  run_.emplace(
      std::make_unique<SequentialWrite>(
          file_.shared_from_this(), std::move(bytes), file_.cursor.position),
      file_.prefer_to_write());
}

Output FileWrite::finish(int64_t result) {
  run_.reset();  // the write is no longer in flight
  if (!file_.appends()) advance(file_, result);
  leave();
  return transferred(result, file_, "write");
}

}  // namespace eddy::io
