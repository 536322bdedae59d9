// Epoll: an epoll instance, with an EventFd that interrupts a wait on it.
//
// Threads: any; wait() by one at a time.
// Errors:  create() and add() fail as the kernel does; the rest cannot fail
//          without a bug, which ends the process.
// Owner:   the registered fds are others'.
#ifndef EDDY_REACTOR_EPOLL_H_
#define EDDY_REACTOR_EPOLL_H_

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "reactor/event_fd.h"

namespace eddy::reactor {

class Epoll {
 public:
  // The data of the event that a signal causes.
  static constexpr uint64_t kInterrupt = UINT64_MAX;

  Epoll() = default;
  Epoll(const Epoll&) = delete;
  Epoll& operator=(const Epoll&) = delete;
  ~Epoll();

  absl::Status open();

  // Both directions, edge-triggered; `data` comes back with each event.
  absl::Status add(int fd, uint64_t data);
  // A ring of io_uring; completions are as a signal.
  absl::Status add_completions(int ring);
  // An fd that is closed or was never added is no error.
  void remove(int fd);

  // Waits until there are events, or for `timeout`; no timeout is for ever.
  // Nanoseconds where the kernel can (Linux 5.11), else milliseconds, rounded
  // up. Fills the front of `events` and returns how many. Signals don't end it.
  size_t wait(std::span<epoll_event> events,
              std::optional<std::chrono::nanoseconds> timeout);

  // Its signal ends a wait() in progress, or else the next one.
  const std::shared_ptr<EventFd>& interrupter() const { return interrupter_; }

 private:
  absl::Status add(int fd, uint32_t events, uint64_t data);
  int wait_once(std::span<epoll_event> events,
                std::optional<std::chrono::nanoseconds> timeout);

  int epoll_ = -1;
  const std::shared_ptr<EventFd> interrupter_ = std::make_shared<EventFd>();
  bool has_pwait2_ = true;  // until the kernel says otherwise
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_EPOLL_H_
