// Registration: an fd that a reactor watches, for as long as this lives. It is
// registered once, for both directions and edge-triggered, and never re-armed.
//
//   EDDY_ASSIGN_OR_RETURN(Registration registration,
//                         Registration::add(reactor, fd, Assume::kReady));
//   Waiter waiter(registration, Direction::kRead);  // see waiter.h
//
// Threads: any task may use it, of whatever runtime; its reactor wakes it. One
//          may wait for reading while another waits for writing.
// Errors:  kCancelled: the reactor has shut down. Else as the kernel says:
//          EPERM for a regular file, EEXIST for an fd that is registered
//          already, ENOSPC and ENOMEM.
// Owner:   the fd is the caller's, and stays open until this is destroyed. May
//          outlive the Reactor. Waiters borrow it.
#ifndef EDDY_REACTOR_REGISTRATION_H_
#define EDDY_REACTOR_REGISTRATION_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

namespace eddy::reactor {

class Core;
class Entry;
class Reactor;

// What is taken for granted before the first event. kReady: a system call is
// tried first. kNotReady: the first event is waited for, as by connect().
enum class Assume : uint8_t { kReady, kNotReady };

class Registration {
 public:
  // With that one of the reactor's group that the fd belongs to.
  static absl::StatusOr<Registration> add(Reactor& reactor, int fd,
                                          Assume assume);
  // With the group of the reactor that `like` is registered with.
  static absl::StatusOr<Registration> add(const Registration& like, int fd,
                                          Assume assume);

  Registration(Registration&& other) noexcept;
  Registration& operator=(Registration&& other) noexcept;
  ~Registration();

  int fd() const { return fd_; }

 private:
  friend class Waiter;

  Registration(std::shared_ptr<Core> core, uint32_t index, int fd);
  static absl::StatusOr<Registration> add(const std::shared_ptr<Core>& any,
                                          int fd, Assume assume);

  std::shared_ptr<Core> core_;  // null after a move
  Entry* entry_;
  uint32_t index_;
  int fd_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_REGISTRATION_H_
