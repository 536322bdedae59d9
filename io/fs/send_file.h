// send_file(): a part of a file into a connection, by sendfile(2): the bytes go
// from the page cache to the socket, and we don't see them.
//
//   EDDY_CO_ASSIGN_OR_RETURN(
//       uint64_t sent, co_await eddy::io::send_file(file, 0, size, stream));
//
// With a head, as that of an answer of HTTP, that goes before it in the same
// packets: send_file(file, 0, size, stream, std::as_bytes(std::span(head))).
//
// What the page cache lacks is read into it first, by io_uring or the blocking
// pool, so that no thread of the runtime waits for a disk.
//
// Threads: belongs to one task; it is a write to the stream.
// Cancel:  the future keeps its progress: awaited by reference, it may lose a
//          select() and be awaited again. When it is destroyed, the first
//          sent() bytes have been sent, or else a part of the head.
// Errors:  those of the stream and of the file. A file that ends before, as one
//          that is cut off meanwhile, gives fewer bytes than asked for.
// Owner:   borrows the file, the stream and the head. May be moved until it is
//          first polled.
#ifndef EDDY_IO_FS_SEND_FILE_H_
#define EDDY_IO_FS_SEND_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "io/buffer.h"
#include "io/fs/file.h"
#include "io/fs/open_file.h"
#include "io/fs/run.h"
#include "io/fs/transfer_operation.h"
#include "io/net/tcp_stream.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"

namespace eddy::io {

class [[nodiscard]] SendFile {
 public:
  using Output = absl::StatusOr<uint64_t>;
  static constexpr bool kLosesProgress = true;

  SendFile(const File& file, uint64_t offset, uint64_t size,
           const TcpStream& stream, std::span<const std::byte> head);
  SendFile(SendFile&&) = default;

  // Bytes of the file sent so far.
  uint64_t sent() const { return sent_; }

  Poll<Output> poll(Context& cx);

 private:
  ssize_t send_head() const;
  // Sends from what is in memory; tells how much.
  ssize_t send_some(size_t size);
  // How many of the next bytes of the file are in memory; 0: it has ended. Or
  // the negative errno.
  int64_t look(uint64_t from, uint64_t size) const;
  // Ready when the next bytes are in memory: how many, or the negative errno.
  Poll<int64_t> poll_in_memory(Context& cx);

  OpenFile& file_;
  const Socket& socket_;
  const uint64_t offset_;
  const uint64_t size_;
  std::span<const std::byte> head_;  // what is left of it
  uint64_t sent_ = 0;
  uint64_t in_memory_ = 0;  // of the size, from the front
  std::optional<Run<ReadOperation<Buffer>>> fetch_;
  reactor::Waiter waiter_;
};

inline SendFile send_file(const File& file, uint64_t offset, uint64_t size,
                          const TcpStream& stream,
                          std::span<const std::byte> head = {}) {
  return SendFile(file, offset, size, stream, head);
}

}  // namespace eddy::io

#endif  // EDDY_IO_FS_SEND_FILE_H_
