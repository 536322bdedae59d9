// Readers and writers that are polled by hand, and the fds that they use: for
// tests of the reactor without a runtime.
//
// Threads: the test's own.
#ifndef EDDY_TESTS_REACTOR_SOCKETS_H_
#define EDDY_TESTS_REACTOR_SOCKETS_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "reactor/reactor.h"
#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "runtime/base/sys.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {

using testing::WakeCounter;

inline std::unique_ptr<Reactor> make_reactor(Options options = {}) {
  absl::StatusOr<std::unique_ptr<Reactor>> reactor = Reactor::create(options);
  EXPECT_TRUE(reactor.ok()) << reactor.status();
  return *std::move(reactor);
}

inline Registration watch(Reactor& reactor, int fd, Assume assume = Assume::kReady) {
  absl::StatusOr<Registration> added = Registration::add(reactor, fd, assume);
  EXPECT_TRUE(added.ok()) << added.status();
  return *std::move(added);
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() { close(); }

  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pair {
  Fd here;
  Fd there;
};

inline Pair make_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

inline void send(const Fd& fd, std::string_view text) {
  EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(text.size()));
}

// Fills the pipe of `fd` until it would block.
inline void fill(const Fd& fd) {
  const std::string block(1 << 16, 'x');
  while (::send(fd.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_EQ(errno, EAGAIN);
}

inline void drain(const Fd& fd) {
  std::array<char, 1 << 16> buffer;
  while (::recv(fd.get(), buffer.data(), buffer.size(), 0) > 0) {
  }
}

// What a socket's leaf future does.
class Reader {
 public:
  explicit Reader(const Registration& registration, size_t size = 100)
      : fd_(registration.fd()),
        size_(size),
        waiter_(registration, Direction::kRead) {}

  Poll<ssize_t> poll(WakeCounter& waker) { return poll(waker.context()); }
  Poll<ssize_t> poll(Context& cx) {
    return waiter_.poll_io(cx, size_, [this] {
      ++calls;
      return base::sys().recv(fd_, buffer_.data(), size_, 0);
    });
  }

  int calls = 0;

 private:
  const int fd_;
  const size_t size_;
  std::array<char, 4096> buffer_;
  Waiter waiter_;
};

class Writer {
 public:
  explicit Writer(const Registration& registration)
      : fd_(registration.fd()), waiter_(registration, Direction::kWrite) {}

  Poll<ssize_t> poll(WakeCounter& waker) {
    return waiter_.poll_io(waker.context(), sizeof(buffer_), [this] {
      return base::sys().send(fd_, buffer_.data(), sizeof(buffer_),
                              MSG_NOSIGNAL);
    });
  }

 private:
  const int fd_;
  std::array<char, 1 << 16> buffer_ = {};
  Waiter waiter_;
};

}  // namespace eddy::reactor

#endif  // EDDY_TESTS_REACTOR_SOCKETS_H_
