#include "io/fs/open_file.h"

#include <fcntl.h>

#include <cerrno>

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;

OpenFile::OpenFile(OwnedFd fd, Path path, int flags, Backend backend)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      flags_(flags),
      backend_(backend),
      // Past the page cache, "at once" would wait for the disk.
      at_once_(backend == Backend::kAutomatic && (flags & O_DIRECT) == 0) {}

bool OpenFile::is_direct() const { return (flags_ & O_DIRECT) != 0; }
bool OpenFile::appends() const { return (flags_ & O_APPEND) != 0; }

reactor::Prefer OpenFile::prefer(FileCall call) const {
  // A ring would not wait for the disk, but say EAGAIN.
  if ((flags_ & O_NONBLOCK) != 0) return reactor::Prefer::kPool;
  return choose(call, backend_);
}

int64_t OpenFile::read_at_once(std::span<const iovec> parts,
                               uint64_t offset) const {
  if (!at_once_.load(std::memory_order_relaxed)) return -EAGAIN;
  const ssize_t count = retry([&] {
    return sys().preadv2(fd(), parts.data(), static_cast<int>(parts.size()),
                         static_cast<off_t>(offset), RWF_NOWAIT);
  });
  if (count >= 0) return count;
  const int err = errno;
  // Of the file system; of the kernel.
  if (err == EOPNOTSUPP || err == ENOSYS) {
    at_once_.store(false, std::memory_order_relaxed);
    return -EAGAIN;
  }
  return -err;
}

}  // namespace eddy::io
