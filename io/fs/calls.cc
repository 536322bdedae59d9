#include "io/fs/calls.h"

#include <fcntl.h>

#include <cerrno>

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;

OwnedFd open_at(int folder, const char* path, int flags, mode_t mode) {
  return OwnedFd(retry(
      [&] { return sys().openat(folder, path, flags | O_CLOEXEC, mode); }));
}

ssize_t read_fully(int fd, std::span<std::byte> into) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t count =
        retry([&] { return sys().read(fd, &into[done], into.size() - done); });
    if (count < 0) return -1;
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

ssize_t write_fully(int fd, std::span<const std::byte> from) {
  size_t done = 0;
  while (done < from.size()) {
    const ssize_t count =
        retry([&] { return sys().write(fd, &from[done], from.size() - done); });
    if (count < 0) return -1;
    done += static_cast<size_t>(count);
  }
  return static_cast<ssize_t>(done);
}

int close_now(int fd) {
  // Linux has closed it by the time of EINTR.
  const int result = sys().close(fd);
  return result != 0 && errno == EINTR ? 0 : result;
}

}  // namespace eddy::io
