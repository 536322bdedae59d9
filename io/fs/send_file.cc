#include "io/fs/send_file.h"

#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "io/net/socket.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;
using Output = absl::StatusOr<uint64_t>;

// Sent at a time: the fewer, the fewer wakes of the peer, who reads meanwhile.
constexpr uint64_t kChunk = 1024 * 1024;
// Of a chunk, pages so far apart are looked for in memory. So much is fetched.
constexpr uint64_t kStep = 256 * 1024;
constexpr uint64_t kPage = 4096;
// Of the budget of a poll, an operation sends so much: 8 MiB in all.
constexpr uint64_t kBytesOfBudget = 64 * 1024;

// sendfile() knows no MSG_NOSIGNAL, so a SIGPIPE that it causes is taken back.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    ::sigemptyset(&pipe_);
    ::sigaddset(&pipe_, SIGPIPE);
    // In parentheses, since <signal.h> has a macro of that name.
    (sys().sigmask)(SIG_BLOCK, &pipe_, &old_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    if (::sigismember(&old_, SIGPIPE) == 0) {
      (sys().sigmask)(SIG_SETMASK, &old_, nullptr);
    }
  }

  void take_back() {
    if (::sigismember(&old_, SIGPIPE) != 0) return;  // the caller's affair
    const int err = errno;
    const timespec now = {};
    while (sys().sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
    }
    errno = err;
  }

 private:
  sigset_t pipe_;
  sigset_t old_;
};

}  // namespace

SendFile::SendFile(const File& file, uint64_t offset, uint64_t size,
                   const TcpStream& stream, std::span<const std::byte> head)
    : file_(*file.shared()),
      socket_(*stream.socket_),
      offset_(offset),
      size_(size),
      head_(head),
      waiter_(socket_.registration(), reactor::Direction::kWrite) {}

Poll<Output> SendFile::poll(Context& cx) {
  while (!head_.empty()) {
    Poll<ssize_t> poll =
        waiter_.poll_io(cx, head_.size(), [&] { return send_head(); });
    if (poll.is_pending()) return kPending;
    if (*poll < 0) {
      return Output(socket_.error(static_cast<int>(-*poll), "send to"));
    }
    head_ = head_.subspan(static_cast<size_t>(*poll));
  }
  while (sent_ < size_) {
    Poll<int64_t> ready = poll_in_memory(cx);
    if (ready.is_pending()) return kPending;
    if (*ready < 0) {
      return Output(file_.error(static_cast<int>(-*ready), "read"));
    }
    if (*ready == 0) return sent_;  // the file has ended
    const auto chunk = static_cast<size_t>(*ready);
    // A short answer may be the file's as well as the socket's.
    Poll<ssize_t> poll =
        waiter_.poll_io(cx, /*wanted=*/0, [&] { return send_some(chunk); });
    if (poll.is_pending()) return kPending;
    if (*poll < 0) {
      return Output(socket_.error(static_cast<int>(-*poll), "send file to"));
    }
    if (*poll == 0) return sent_;
    sent_ += static_cast<uint64_t>(*poll);
    // A large one is as many small ones to those who wait for the thread.
    for (auto n = static_cast<uint64_t>(*poll) / kBytesOfBudget; n > 1; --n) {
      cx.spend();
    }
  }
  return sent_;
}

// What follows is to be in the same packet.
ssize_t SendFile::send_head() const {
  const int more = size_ > 0 ? MSG_MORE : 0;
  return sys().send(socket_.fd(), head_.data(), head_.size(),
                    MSG_NOSIGNAL | more);
}

ssize_t SendFile::send_some(size_t size) {
  WithoutSigpipe guard;
  auto from = static_cast<off_t>(offset_ + sent_);
  const ssize_t count = sys().sendfile(socket_.fd(), file_.fd(), &from, size);
  // It may have come after a part was sent.
  if (count < static_cast<ssize_t>(size)) guard.take_back();
  return count;
}

// Looks at a few pages only: the kernel reads and drops many at a time.
int64_t SendFile::look(uint64_t from, uint64_t size) const {
  std::byte byte;
  const iovec part = {&byte, 1};
  int64_t result = file_.read_at_once({&part, 1}, from);
  if (result <= 0) return result;
  uint64_t seen = 0;
  while (seen < size) {
    const uint64_t step = std::min(kStep, size - seen);
    if (step > kPage) {
      result = file_.read_at_once({&part, 1}, from + seen + step - 1);
      // (0: cut off meanwhile. The part that is left is sent.)
      if (result < 0) return seen > 0 ? static_cast<int64_t>(seen) : result;
    }
    seen += step;
  }
  return static_cast<int64_t>(seen);
}

Poll<int64_t> SendFile::poll_in_memory(Context& cx) {
  if (sent_ < in_memory_) return static_cast<int64_t>(in_memory_ - sent_);
  if (!fetch_) {
    const uint64_t from = offset_ + sent_;
    const uint64_t left = size_ - sent_;
    const int64_t result = look(from, std::min(kChunk, left));
    if (result > 0) in_memory_ = sent_ + static_cast<uint64_t>(result);
    if (result != -EAGAIN) return result;
    fetch_.emplace(
        std::make_unique<ReadOperation<Buffer>>(
            file_.shared_from_this(), Buffer(std::min(kStep, left)), from),
        file_.prefer(FileCall::kRead));
  }
  Poll<int64_t> poll = fetch_->poll(cx);
  if (poll.is_pending()) return kPending;
  fetch_.reset();
  if (*poll > 0) in_memory_ = sent_ + static_cast<uint64_t>(*poll);
  return poll;
}

}  // namespace eddy::io
