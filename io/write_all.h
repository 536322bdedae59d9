// write_all(): writes until all bytes are written.
//
//   EDDY_CO_RETURN_IF_ERROR(co_await eddy::io::write_all(stream, "hello\n"));
//
// Threads: belongs to one task.
// Cancel:  the future keeps its progress: awaited by reference, it may lose a
//          select() and be awaited again, or be asked for take_rest(). When it
//          is destroyed, the first transferred() bytes have been written. By
//          value select() and timeout() refuse it: see CancelSafe.
// Errors:  those of the stream.
// Owner:   borrows the stream and the bytes.
#ifndef EDDY_IO_WRITE_ALL_H_
#define EDDY_IO_WRITE_ALL_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "io/async_io.h"
#include "runtime/task/future.h"

namespace eddy::io {

template <AsyncWrite Stream>
class [[nodiscard]] WriteAll {
 public:
  using Output = absl::Status;
  static constexpr bool kLosesProgress = true;

  WriteAll(Stream& stream, std::span<const std::byte> from)
      : stream_(stream), from_(from) {}

  // How many bytes were written so far.
  size_t transferred() const { return done_; }
  // Gives up: what is not written. Not to be polled after that.
  std::span<const std::byte> take_rest() {
    write_.reset();
    return from_.subspan(done_);
  }

  Poll<absl::Status> poll(Context& cx) {
    while (done_ < from_.size()) {
      if (!write_) write_.emplace(stream_.write(from_.subspan(done_)));
      Poll<absl::StatusOr<size_t>> poll = write_->poll(cx);
      if (poll.is_pending()) return kPending;
      write_.reset();
      absl::StatusOr<size_t> count = *std::move(poll);
      if (!count.ok()) return std::move(count).status();
      if (*count == 0) {
        return absl::InternalError("a write took none of the bytes");
      }
      done_ += *count;
    }
    return absl::OkStatus();
  }

 private:
  Stream& stream_;
  const std::span<const std::byte> from_;
  size_t done_ = 0;
  std::optional<decltype(stream_.write(from_))> write_;  // pending
};

template <AsyncWrite Stream>
WriteAll<Stream> write_all(Stream& stream, std::span<const std::byte> from) {
  return WriteAll<Stream>(stream, from);
}

template <AsyncWrite Stream>
WriteAll<Stream> write_all(Stream& stream, std::string_view from) {
  return WriteAll<Stream>(stream, std::as_bytes(std::span(from)));
}

}  // namespace eddy::io

#endif  // EDDY_IO_WRITE_ALL_H_
