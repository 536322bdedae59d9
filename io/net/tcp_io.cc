#include "io/net/tcp_io.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>

#include "io/net/socket.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Direction;
using Output = absl::StatusOr<size_t>;

// The answer of Waiter::poll_io() as a future's.
Poll<Output> to_output(Poll<ssize_t> poll, const Socket& socket,
                       std::string_view operation) {
  if (poll.is_pending()) return kPending;
  if (*poll >= 0) return static_cast<size_t>(*poll);
  return socket.error(static_cast<int>(-*poll), operation);
}

// What recvmsg() and sendmsg() want to be told.
class Message {
 public:
  template <class Buffers>
  explicit Message(Buffers buffers) : header_{} {
    for (const auto& buffer : buffers) {
      if (buffer.empty()) continue;
      if (count_ == parts_.size()) break;
      // sendmsg() does not write, but an iovec has no const.
      parts_[count_++] = {const_cast<std::byte*>(buffer.data()), buffer.size()};
      size_ += buffer.size();
    }
    header_.msg_iov = parts_.data();
    header_.msg_iovlen = count_;
  }
  Message(const Message&) = delete;  // header_ points at parts_
  Message& operator=(const Message&) = delete;

  msghdr& header() { return header_; }
  size_t size() const { return size_; }  // bytes

 private:
  std::array<iovec, kMaxBuffersPerCall> parts_;
  size_t count_ = 0;
  size_t size_ = 0;
  msghdr header_;
};

int to_native(Shutdown how) {
  switch (how) {
    case Shutdown::kRead:
      return SHUT_RD;
    case Shutdown::kWrite:
      return SHUT_WR;
    case Shutdown::kBoth:
      break;
  }
  return SHUT_RDWR;
}

}  // namespace

TcpRead::TcpRead(const Socket& socket, std::span<std::byte> into, Mode mode)
    : socket_(socket),
      into_(into),
      mode_(mode),
      waiter_(socket.registration(), Direction::kRead) {}

Poll<Output> TcpRead::poll(Context& cx) {
  if (into_.empty()) return size_t{0};
  const bool peeks = mode_ == Mode::kPeek;
  // What a peek leaves is there for the next read, however little it is.
  const size_t wanted = peeks ? 0 : into_.size();
  Poll<ssize_t> poll = waiter_.poll_io(cx, wanted, [&] {
    return sys().recv(socket_.fd(), into_.data(), into_.size(),
                      peeks ? MSG_PEEK : 0);
  });
  return to_output(std::move(poll), socket_, "read");
}

TcpReadVectored::TcpReadVectored(const Socket& socket, ReadBuffers into)
    : socket_(socket),
      into_(into),
      waiter_(socket.registration(), Direction::kRead) {}

Poll<Output> TcpReadVectored::poll(Context& cx) {
  Message message(into_);
  if (message.size() == 0) return size_t{0};
  Poll<ssize_t> poll = waiter_.poll_io(cx, message.size(), [&] {
    return sys().recvmsg(socket_.fd(), &message.header(), 0);
  });
  return to_output(std::move(poll), socket_, "read");
}

TcpWrite::TcpWrite(const Socket& socket, std::span<const std::byte> from)
    : socket_(socket),
      from_(from),
      waiter_(socket.registration(), Direction::kWrite) {}

Poll<Output> TcpWrite::poll(Context& cx) {
  if (from_.empty()) return size_t{0};
  Poll<ssize_t> poll = waiter_.poll_io(cx, from_.size(), [&] {
    return sys().send(socket_.fd(), from_.data(), from_.size(), MSG_NOSIGNAL);
  });
  return to_output(std::move(poll), socket_, "write");
}

TcpWriteVectored::TcpWriteVectored(const Socket& socket, WriteBuffers from)
    : socket_(socket),
      from_(from),
      waiter_(socket.registration(), Direction::kWrite) {}

Poll<Output> TcpWriteVectored::poll(Context& cx) {
  Message message(from_);
  if (message.size() == 0) return size_t{0};
  Poll<ssize_t> poll = waiter_.poll_io(cx, message.size(), [&] {
    return sys().sendmsg(socket_.fd(), &message.header(), MSG_NOSIGNAL);
  });
  return to_output(std::move(poll), socket_, "write");
}

Poll<absl::Status> TcpShutdown::poll(Context&) {
  return socket_.shutdown(to_native(how_));
}

}  // namespace eddy::io
