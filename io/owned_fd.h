// OwnedFd: a file descriptor that is closed at the end.
//
// Threads: belongs to one at a time.
#ifndef EDDY_IO_OWNED_FD_H_
#define EDDY_IO_OWNED_FD_H_

#include <utility>

#include "runtime/base/sys.h"

namespace eddy::io {

class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd() {
    // Not repeated after EINTR: Linux has given the number back by then, and
    // another thread may have it.
    if (fd_ >= 0) base::sys().close(fd_);
  }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  // The caller closes it.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

}  // namespace eddy::io

#endif  // EDDY_IO_OWNED_FD_H_
