#include "benchmarks/first/echo_load.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "runtime/base/check.h"

namespace eddy::benchmarks {
namespace {

std::chrono::nanoseconds cpu_of(clockid_t clock) {
  timespec time = {};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::nanoseconds(time.tv_nsec);
}

int connect_to(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EDDY_CHECK(fd >= 0, "socket() fails: ulimit -n?");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EDDY_CHECK(::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) == 0);
  return fd;
}

class Load {
 public:
  Load(uint16_t port, std::size_t connections)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (std::size_t i = 0; i < connections; ++i) {
      const int fd = connect_to(port);
      epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      fds_.push_back(fd);
    }
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    for (int fd : fds_) ::close(fd);
    ::close(epoll_);
  }

  void run(std::size_t requests) {
    std::size_t sent = 0;
    for (int fd : fds_) {
      if (sent++ < requests) send_one(fd);
    }
    for (std::size_t answered = 0; answered < requests;) {
      std::array<epoll_event, 256> events;
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        const ssize_t size = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        EDDY_CHECK(size == static_cast<ssize_t>(kRequestBytes),
                   "an echo came in pieces, or not at all");
        ++answered;
        if (sent++ < requests) send_one(fd);
      }
    }
  }

 private:
  void send_one(int fd) {
    EDDY_CHECK(::send(fd, buffer_.data(), buffer_.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(kRequestBytes));
  }

  const int epoll_;
  std::vector<int> fds_;
  std::array<char, kRequestBytes> buffer_ = {};
};

}  // namespace

LoadResult run_echo_load(uint16_t port, std::size_t connections,
                         std::size_t requests) {
  Load load(port, connections);
  load.run(4 * connections);  // all connections are accepted, and warm
  const auto wall = std::chrono::steady_clock::now();
  const auto client = thread_cpu();
  const auto process = process_cpu();
  load.run(requests);
  return {.wall = std::chrono::steady_clock::now() - wall,
          .client_cpu = thread_cpu() - client,
          .process_cpu = process_cpu() - process};
}

void pin_to_cpu(std::size_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  ::sched_setaffinity(0, sizeof(set), &set);
}

std::chrono::nanoseconds thread_cpu() {
  return cpu_of(CLOCK_THREAD_CPUTIME_ID);
}
std::chrono::nanoseconds process_cpu() {
  return cpu_of(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace eddy::benchmarks
