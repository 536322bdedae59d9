#include "benchmarks/net/poller.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail_errno("epoll_create1()");
  ::prctl(PR_SET_TIMERSLACK, 1);  // else the kernel adds 50 us to each wait
}

Poller::~Poller() { ::close(epoll_); }

void Poller::add(int fd, std::size_t index) {
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = index}};
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    fail_errno("epoll_ctl()");
  }
}

std::span<const epoll_event> Poller::wait(Clock::time_point until) {
  const auto left = std::max<std::chrono::nanoseconds>(
      std::chrono::nanoseconds(0), until - Clock::now());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec time = {.tv_sec = seconds.count(),
                         .tv_nsec = (left - seconds).count()};
  const int count =
      ::epoll_pwait2(epoll_, events_.data(), kEvents, &time, nullptr);
  if (count >= 0) {
    return std::span(events_).first(static_cast<std::size_t>(count));
  }
  if (errno != EINTR) fail_errno("epoll_pwait2()");
  return {};
}

}  // namespace eddy::benchmarks::net
