#include "reactor/epoll.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "runtime/base/check.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::reactor {
namespace {

using base::sys;
using std::chrono::nanoseconds;

// Longer time-outs are no different from none.
constexpr nanoseconds kForever = std::chrono::hours(24 * 365);

nanoseconds now() {
  timespec time;
  EDDY_CHECK(sys().clock_gettime(CLOCK_MONOTONIC, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

timespec to_timespec(nanoseconds time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  return {.tv_sec = whole.count(), .tv_nsec = (time - whole).count()};
}

// Never early: rounds up. Longer than an int holds, it is early, and whoever
// waits asks again.
int to_milliseconds(nanoseconds time) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time);
  return rounded.count() > INT_MAX ? INT_MAX
                                   : static_cast<int>(rounded.count());
}

}  // namespace

Epoll::~Epoll() {
  if (epoll_ >= 0) sys().close(epoll_);
}

absl::Status Epoll::open() {
  do {
    epoll_ = sys().epoll_create1(EPOLL_CLOEXEC);
  } while (epoll_ < 0 && errno == EINTR);
  if (epoll_ < 0) return errno_status(errno, "epoll_create1");
  const absl::Status status = interrupter_->open();
  if (!status.ok()) return status;
  // Nobody writes to the eventfd until it is full: it is always writable, and
  // would say so with each interrupt.
  return add(interrupter_->fd(), EPOLLIN, kInterrupt);
}

absl::Status Epoll::add(int fd, uint64_t data) {
  return add(fd, EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP, data);
}

absl::Status Epoll::add_completions(int ring) {
  return add(ring, EPOLLIN, kInterrupt);
}

absl::Status Epoll::add(int fd, uint32_t events, uint64_t data) {
  epoll_event event = {};
  event.events = events | EPOLLET;
  event.data.u64 = data;
  int result;
  do {
    result = sys().epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return absl::OkStatus();
  return errno_status(errno, "epoll_ctl");
}

void Epoll::remove(int fd) {
  epoll_event ignored = {};
  while (sys().epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &ignored) != 0 &&
         errno == EINTR) {
  }
}

size_t Epoll::wait(std::span<epoll_event> events,
                   std::optional<nanoseconds> timeout) {
  if (timeout && *timeout > kForever) timeout = std::nullopt;
  const bool measured = timeout && *timeout > nanoseconds::zero();
  const nanoseconds deadline = measured ? now() + *timeout : nanoseconds();
  for (;;) {
    const int count = wait_once(events, timeout);
    if (count >= 0) return static_cast<size_t>(count);
    EDDY_CHECK(errno == EINTR,
               "epoll_wait failed: was a file descriptor "
               "closed that is not the program's own?");
    if (measured) timeout = std::max(deadline - now(), nanoseconds::zero());
  }
}

int Epoll::wait_once(std::span<epoll_event> events,
                     std::optional<nanoseconds> timeout) {
  const int capacity = static_cast<int>(events.size());
  const bool waits_a_while = timeout && *timeout > nanoseconds::zero();
  if (!waits_a_while) {
    return sys().epoll_wait(epoll_, events.data(), capacity, timeout ? 0 : -1);
  }
  if (has_pwait2_) {
    const timespec time = to_timespec(*timeout);
    const int count =
        sys().epoll_pwait2(epoll_, events.data(), capacity, &time, nullptr);
    // EPERM is what old seccomp filters say of calls that they don't know.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_pwait2_ = false;
  }
  return sys().epoll_wait(epoll_, events.data(), capacity,
                          to_milliseconds(*timeout));
}

}  // namespace eddy::reactor
