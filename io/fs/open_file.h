// OpenFile: an open file as a File and the operations that it has begun share
// it: the one that lasts longest closes it, so an operation never meets another
// file under its number.
//
// Threads: any may use fd(), error() and read_at_once(). `cursor` belongs to
//          the File's task.
// Owner:   the fd.
#ifndef EDDY_IO_FS_OPEN_FILE_H_
#define EDDY_IO_FS_OPEN_FILE_H_

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "io/fs/backend.h"
#include "io/fs/path.h"
#include "io/fs/writes_in_flight.h"
#include "io/owned_fd.h"

namespace eddy::io {

// Where the kernel keeps the position: for pipes, terminals and the like.
inline constexpr uint64_t kNoOffset = UINT64_MAX;

class OpenFile : public std::enable_shared_from_this<OpenFile> {
 public:
  OpenFile(OwnedFd fd, Path path, int flags, Backend backend);

  int fd() const { return fd_.get(); }
  const Path& path() const { return path_; }
  int flags() const { return flags_; }  // as opened: O_DIRECT and so on
  Backend backend() const { return backend_; }
  bool is_direct() const;
  bool appends() const;
  reactor::Prefer prefer(FileCall call) const;

  reactor::Prefer prefer_to_read() const {
    return prefer(is_direct() ? FileCall::kDirect : FileCall::kRead);
  }
  reactor::Prefer prefer_to_write() const {
    return prefer(is_direct() ? FileCall::kDirect : FileCall::kWrite);
  }

  absl::Status error(int err, std::string_view what) const {
    return path_.error(err, what);
  }

  // Reads what the kernel has in memory. -EAGAIN: that takes a disk, or can't
  // be known; else as preadv().
  int64_t read_at_once(std::span<const iovec> parts, uint64_t offset) const;

  // For the last owner: the fd is no longer closed with this.
  int release_fd() { return fd_.release(); }

  // Reading and writing in sequence.
  struct Cursor {
    uint64_t position = 0;  // kNoOffset: the kernel's
    bool in_use = false;    // by a future that is pending
  };
  Cursor cursor;
  WritesInFlight writes;

 private:
  OwnedFd fd_;
  const Path path_;
  const int flags_;
  const Backend backend_;
  // Relaxed: a hint, and learnt again by whoever misses it.
  mutable std::atomic<bool> at_once_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_OPEN_FILE_H_
