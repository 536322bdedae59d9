#include "reactor/event_fd.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>

#include "runtime/base/check.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::reactor {

using base::sys;

EventFd::~EventFd() {
  if (fd_ >= 0) sys().close(fd_);
}

absl::Status EventFd::open() {
  do {
    fd_ = sys().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) return base::errno_status(errno, "eventfd");
  return absl::OkStatus();
}

void EventFd::signal() const {
  // It would take centuries to fill.
  const uint64_t one = 1;
  while (sys().write(fd_, &one, sizeof(one)) < 0) {
    EDDY_CHECK(errno == EINTR,
               "a write to an eventfd failed: was a file "
               "descriptor closed that is not the program's "
               "own?");
  }
}

}  // namespace eddy::reactor
