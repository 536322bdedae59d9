// EventFd: what ends a thread's wait in epoll. Each signal() is an edge, so
// that nobody reads it.
//
// Threads: signal() by any, once open() has succeeded.
// Errors:  open() fails as the kernel does; signal() can't without a bug, which
//          ends the process.
// Owner:   shared by the epoll instance that watches it and by those who
//          signal; when the instance is gone, a signal is for nobody.
#ifndef EDDY_REACTOR_EVENT_FD_H_
#define EDDY_REACTOR_EVENT_FD_H_

#include "absl/status/status.h"

namespace eddy::reactor {

class EventFd {
 public:
  EventFd() = default;
  EventFd(const EventFd&) = delete;
  EventFd& operator=(const EventFd&) = delete;
  ~EventFd();

  absl::Status open();
  int fd() const { return fd_; }
  void signal() const;

 private:
  int fd_ = -1;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_EVENT_FD_H_
