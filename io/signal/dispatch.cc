#include "io/signal/dispatch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "runtime/base/mutex.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io::signal {
namespace {

using base::sys;

struct Installed {
  uint32_t listeners = 0;
  struct sigaction before = {};
};

// What the handler uses: lock-free, and never destroyed.
constinit std::array<std::atomic<uint64_t>, NSIG> counts{};
constinit std::atomic<int> event_fd{-1};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

constinit base::Mutex mutex;
constinit std::array<Installed, NSIG> installed ABSL_GUARDED_BY(mutex){};

extern "C" void eddy_on_signal(int signal) {
  const int saved_errno = errno;
  // [signal] release: who sees the count has an fd that will be written to.
  counts[static_cast<size_t>(signal)].fetch_add(1, std::memory_order_release);
  const uint64_t one = 1;
  ssize_t written;
  do {  // relaxed: it was set before sigaction(), for good
    written = sys().write(event_fd.load(std::memory_order_relaxed), &one,
                          sizeof(one));
  } while (written < 0 && errno == EINTR);
  errno = saved_errno;
}

absl::Status check_number(int signal) {
  switch (signal) {
    case SIGILL:
    case SIGFPE:
    case SIGSEGV:
    case SIGBUS:
    case SIGABRT:
      break;  // the thread can't go on where it stopped
    case SIGKILL:
    case SIGSTOP:
      break;
    default:
      if (signal > 0 && signal < NSIG) return absl::OkStatus();
  }
  return absl::InvalidArgumentError("signal " + std::to_string(signal) +
                                    " can't be listened for");
}

absl::Status open_event_fd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  if (event_fd.load(std::memory_order_relaxed) >= 0) return absl::OkStatus();
  const int fd = sys().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return errno_status(errno, "eventfd for signals");
  event_fd.store(fd, std::memory_order_relaxed);  // guarded by mutex
  return absl::OkStatus();
}

}  // namespace

absl::Status install(int signal) {
  if (absl::Status status = check_number(signal); !status.ok()) return status;
  base::MutexLock lock(&mutex);
  if (absl::Status status = open_event_fd(); !status.ok()) return status;
  Installed& entry = installed[static_cast<size_t>(signal)];
  if (entry.listeners == 0) {
    struct sigaction action = {};
    action.sa_handler = eddy_on_signal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (sys().sigaction(signal, &action, &entry.before) != 0) {
      return errno_status(errno, "sigaction " + std::to_string(signal));
    }
  }
  ++entry.listeners;
  return absl::OkStatus();
}

void uninstall(int signal) {
  base::MutexLock lock(&mutex);
  Installed& entry = installed[static_cast<size_t>(signal)];
  if (--entry.listeners > 0) return;
  sys().sigaction(signal, &entry.before, nullptr);
}

uint64_t count(int signal) {
  return counts[static_cast<size_t>(signal)].load(
      std::memory_order_acquire);  // [signal]
}

absl::StatusOr<int> duplicate_event_fd() {
  const int fd =
      sys().fcntl(event_fd.load(std::memory_order_relaxed), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return errno_status(errno, "dup of the eventfd for signals");
  return fd;
}

}  // namespace eddy::io::signal
