// Poller: epoll, level-triggered, that waits until a moment given to the
// nanosecond.
#ifndef EDDY_BENCHMARKS_NET_POLLER_H_
#define EDDY_BENCHMARKS_NET_POLLER_H_

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <span>

namespace eddy::benchmarks::net {

using Clock = std::chrono::steady_clock;

class Poller {
 public:
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Readability of `fd` will be reported as `index`, until it is closed.
  void add(int fd, std::size_t index);

  // The events, data.u64 being the index; none if there is none until then.
  std::span<const epoll_event> wait(Clock::time_point until);

 private:
  // Few at a time: whoever has a schedule to keep looks at the clock between.
  static constexpr std::size_t kEvents = 32;

  int epoll_;
  std::array<epoll_event, kEvents> events_;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_POLLER_H_
