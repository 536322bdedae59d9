// copy(): all that a reader has, into a writer: from a file to a connection,
// from one connection to another.
//
//   EDDY_CO_ASSIGN_OR_RETURN(uint64_t size, co_await eddy::io::copy(from, to));
//
// A file to a connection goes faster by send_file().
//
// Threads: belongs to one task.
// Cancel:  the future keeps its progress: awaited by reference, it may lose a
//          select() and be awaited again. When it is destroyed, copied() bytes
//          have been written, and what was read beyond them is lost with it. By
//          value select() and timeout() refuse it: see CancelSafe.
// Errors:  those of the two streams.
// Owner:   borrows both streams; has a buffer of its own.
#ifndef EDDY_IO_COPY_H_
#define EDDY_IO_COPY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "io/async_io.h"
#include "io/buffer.h"
#include "runtime/task/future.h"

namespace eddy::io {

template <AsyncRead Reader, AsyncWrite Writer>
class [[nodiscard]] Copy {
 public:
  using Output = absl::StatusOr<uint64_t>;
  static constexpr bool kLosesProgress = true;

  Copy(Reader& reader, Writer& writer) : reader_(reader), writer_(writer) {}

  // Bytes written so far.
  uint64_t copied() const { return copied_; }

  Poll<Output> poll(Context& cx) {
    if (buffer_.empty()) buffer_ = Buffer(kBufferBytes);
    for (;;) {
      Poll<absl::StatusOr<size_t>> poll =
          unwritten_.empty() ? poll_read(cx) : poll_write(cx);
      if (poll.is_pending()) return kPending;
      if (!poll->ok()) return std::move(*poll).status();
      if (is_at_end_) return copied_;
    }
  }

 private:
  static constexpr size_t kBufferBytes = 64 * 1024;

  Poll<absl::StatusOr<size_t>> poll_read(Context& cx) {
    if (!read_) read_.emplace(reader_.read(buffer_.bytes()));
    Poll<absl::StatusOr<size_t>> poll = read_->poll(cx);
    if (poll.is_pending()) return kPending;
    read_.reset();
    if (poll->ok()) {
      unwritten_ = buffer_.bytes().first(**poll);
      is_at_end_ = unwritten_.empty();
    }
    return poll;
  }

  Poll<absl::StatusOr<size_t>> poll_write(Context& cx) {
    if (!write_) write_.emplace(writer_.write(unwritten_));
    Poll<absl::StatusOr<size_t>> poll = write_->poll(cx);
    if (poll.is_pending()) return kPending;
    write_.reset();
    if (!poll->ok()) return poll;
    if (**poll == 0) {
      return absl::StatusOr<size_t>(
          absl::InternalError("a write took none of the bytes"));
    }
    unwritten_ = unwritten_.subspan(**poll);
    copied_ += **poll;
    return poll;
  }

  Reader& reader_;
  Writer& writer_;
  Buffer buffer_;
  std::span<const std::byte> unwritten_;  // of the buffer
  uint64_t copied_ = 0;
  bool is_at_end_ = false;
  // Pending, and one of them at most.
  std::optional<decltype(reader_.read(std::span<std::byte>()))> read_;
  std::optional<decltype(writer_.write(std::span<const std::byte>()))> write_;
};

template <AsyncRead Reader, AsyncWrite Writer>
Copy<Reader, Writer> copy(Reader& reader, Writer& writer) {
  return Copy<Reader, Writer>(reader, writer);
}

}  // namespace eddy::io

#endif  // EDDY_IO_COPY_H_
