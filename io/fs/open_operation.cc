#include "io/fs/open_operation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

#include "io/owned_fd.h"
#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;
using reactor::Opcode;
using reactor::result_of;
using reactor::Sqe;

namespace {

// Whether the kernel knows RESOLVE_CACHED (5.12), and may be asked. Relaxed: a
// hint, learnt again by whoever misses it.
constinit std::atomic<bool> can_open_at_once{true};

constexpr int kAttempts = 100;

// Failures that are the same when tried for longer.
bool is_certain(int err) {
  switch (err) {
    case EACCES:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case ENOTDIR:
    case EXDEV:
      return true;
    default:
      return false;
  }
}

}  // namespace

int OpenOperation::folder() const {
  return folder_ != nullptr ? folder_->fd() : AT_FDCWD;
}

Sqe OpenOperation::submission() {
  return {.opcode = Opcode::kOpenat2,
          .fd = folder(),
          .offset = Sqe::address_of(&how_),
          .address = Sqe::address_of(path_.c_str()),
          .length = sizeof(how_),
          // At once, the kernel would not wait for the other end of a pipe.
          .force_async = true};
}

int64_t OpenOperation::perform() {
  for (int attempt = 0;; ++attempt) {
    const int64_t result = result_of(retry([&] { return call(); }));
    // The kernel gives up on "..", where folders move meanwhile.
    if (result != -EAGAIN || attempt == kAttempts) return result;
  }
}

int OpenOperation::call() const {
  if (how_.resolve != 0) {
    return sys().openat2(folder(), path_.c_str(), &how_, sizeof(how_));
  }
  return sys().openat(folder(), path_.c_str(), static_cast<int>(how_.flags),
                      static_cast<mode_t>(how_.mode));
}

void OpenOperation::discard(int64_t result) noexcept {
  if (result >= 0) OwnedFd(static_cast<int>(result));
}

int64_t OpenOperation::open_at_once() {
  constexpr uint64_t kChanges = O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
  if ((how_.flags & kChanges) != 0 ||
      !can_open_at_once.load(std::memory_order_relaxed)) {
    return -EAGAIN;
  }
  open_how how = how_;
  how.resolve |= RESOLVE_CACHED;
  // Nor wait for a lease, or for the other end of a pipe.
  if ((how.flags & O_PATH) == 0) how.flags |= O_NONBLOCK;
  OwnedFd fd(retry([&] {
    return sys().openat2(folder(), path_.c_str(), &how, sizeof(how));
  }));
  if (!fd.is_open()) {
    if (errno == ENOSYS) {
      can_open_at_once.store(false, std::memory_order_relaxed);
    }
    return is_certain(errno) ? -errno : -EAGAIN;
  }
  if ((how_.flags & (O_PATH | O_NONBLOCK)) != 0) return fd.release();
  struct stat info;
  if (retry([&] { return sys().fstat(fd.get(), &info); }) != 0) return -errno;
  if (S_ISFIFO(info.st_mode) && (how_.flags & O_ACCMODE) == O_RDONLY) {
    pipe_ = std::move(fd);
    return -EAGAIN;
  }
  return set_flags(fd.get()) ? fd.release() : -errno;
}

int64_t OpenOperation::take_pipe() {
  return set_flags(pipe_.get()) ? pipe_.release() : -errno;
}

// Without O_NONBLOCK, which a ring would take for "never wait", for files too.
bool OpenOperation::set_flags(int fd) const {
  return retry([&] {
           return sys().fcntl(fd, F_SETFL, static_cast<long>(how_.flags));
         }) == 0;
}

}  // namespace eddy::io
