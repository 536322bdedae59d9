// LazyUring: the ring of a reactor, made when the first operation asks for it,
// so that a runtime without any pays nothing; and why there is none.
//
// Threads: any.
// Errors:  see IoUringStatus.
// Owner:   the reactor's; pending futures share the ring.
#ifndef EDDY_REACTOR_URING_LAZY_URING_H_
#define EDDY_REACTOR_URING_LAZY_URING_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reactor/event_fd.h"
#include "reactor/io_uring.h"
#include "reactor/operation.h"
#include "reactor/uring/uring.h"
#include "runtime/base/mutex.h"

namespace eddy::reactor {

class LazyUring {
 public:
  // Has the fd of a new ring watched; false if it cannot be.
  using Watch = std::function<bool(int fd)>;

  // `poller` ends the wait of who polls the reactor.
  LazyUring(const IoUringOptions& options, std::shared_ptr<EventFd> poller,
            Watch watch);
  LazyUring(const LazyUring&) = delete;
  LazyUring& operator=(const LazyUring&) = delete;
  ~LazyUring();

  // For an operation with this opcode; null if the pool has to do it.
  std::shared_ptr<Uring> get(Opcode opcode);
  // Makes the ring, if nobody has yet.
  IoUringStatus status() ABSL_LOCKS_EXCLUDED(mu_);
  IoUringMetrics metrics() const ABSL_LOCKS_EXCLUDED(mu_);

  // The ring, if there is one to reap. Lives as long as *this.
  Uring* current() const {
    return current_.load(std::memory_order_acquire);  // [ring]
  }
  // All operations, pending or later, end with -ECANCELED.
  void close() ABSL_LOCKS_EXCLUDED(mu_);
  // After close(), when nobody polls any more. Waits until the kernel has let
  // go of all operations; returns the names of those that it still has at the
  // deadline, whose records stay until it lets go of them.
  std::vector<std::string> drain(std::chrono::steady_clock::time_point deadline)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void make() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const IoUringOptions options_;
  const std::shared_ptr<EventFd> poller_;
  const Watch watch_;
  std::atomic<Uring*> current_{nullptr};
  std::atomic<bool> is_without_{false};  // and will be
  std::atomic<uint64_t> fallbacks_{0};

  mutable base::Mutex mu_;
  bool was_tried_ ABSL_GUARDED_BY(mu_) = false;
  bool is_closed_ ABSL_GUARDED_BY(mu_) = false;
  std::shared_ptr<Uring> uring_ ABSL_GUARDED_BY(mu_);
  // Constant once current_ is set.
  IoUringStatus status_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_LAZY_URING_H_
