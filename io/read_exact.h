// read_exact(): reads until a buffer is full.
//
//   std::array<std::byte, 4> header;
//   EDDY_CO_RETURN_IF_ERROR(co_await eddy::io::read_exact(stream, header));
//
// Threads: belongs to one task.
// Cancel:  the future keeps its progress: awaited by reference, it may lose a
//          select() and be awaited again, or be asked for take_partial(). When
//          it is destroyed, the first transferred() bytes of the buffer have
//          been read. By value select() and timeout() refuse it: see
//          CancelSafe.
// Errors:  those of the stream; kOutOfRange if it ends before.
// Owner:   borrows the stream and the buffer.
#ifndef EDDY_IO_READ_EXACT_H_
#define EDDY_IO_READ_EXACT_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "io/async_io.h"
#include "runtime/task/future.h"

namespace eddy::io {

template <AsyncRead Stream>
class [[nodiscard]] ReadExact {
 public:
  using Output = absl::Status;
  static constexpr bool kLosesProgress = true;

  ReadExact(Stream& stream, std::span<std::byte> into)
      : stream_(stream), into_(into) {}

  // How many bytes were read so far.
  size_t transferred() const { return done_; }
  // Gives up the rest: what was read so far. Not to be polled after that.
  std::span<std::byte> take_partial() {
    read_.reset();
    return into_.first(done_);
  }

  Poll<absl::Status> poll(Context& cx) {
    while (done_ < into_.size()) {
      if (!read_) read_.emplace(stream_.read(into_.subspan(done_)));
      Poll<absl::StatusOr<size_t>> poll = read_->poll(cx);
      if (poll.is_pending()) return kPending;
      read_.reset();
      absl::StatusOr<size_t> count = *std::move(poll);
      if (!count.ok()) return std::move(count).status();
      if (*count == 0) return ended();
      done_ += *count;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ended() const {
    return absl::OutOfRangeError("the stream ended after " +
                                 std::to_string(done_) + " of " +
                                 std::to_string(into_.size()) + " bytes");
  }

  Stream& stream_;
  const std::span<std::byte> into_;
  size_t done_ = 0;
  std::optional<decltype(stream_.read(into_))> read_;  // pending
};

template <AsyncRead Stream>
ReadExact<Stream> read_exact(Stream& stream, std::span<std::byte> into) {
  return ReadExact<Stream>(stream, into);
}

}  // namespace eddy::io

#endif  // EDDY_IO_READ_EXACT_H_
