// Core: what a Reactor and its Registrations share. It lives until the last of
// them is gone, so that a socket may be closed after its runtime has ended.
//
// The cores of one runtime are a Group: an fd belongs to the one that its
// number says, whichever of them it is registered with. They live and end
// together, as the parts of one shared object.
//
// Threads: any; poll() by the holder of the reactor's role.
#ifndef EDDY_REACTOR_CORE_H_
#define EDDY_REACTOR_CORE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/entry.h"
#include "reactor/epoll.h"
#include "reactor/reactor.h"
#include "reactor/uring/lazy_uring.h"
#include "reactor/wake_state.h"
#include "runtime/base/mutex.h"
#include "runtime/base/slab.h"

namespace eddy::reactor {

class Core;

class Group {
 public:
  Group(size_t count, const Options& options);
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const std::vector<std::unique_ptr<Core>>& cores() const { return cores_; }
  Core& core_of(int fd) const { return *cores_[index_of(fd)]; }

 private:
  // Neighbours, and every second one, as where both ends of connections are in
  // one process, come to different cores: the multiplier is 2^32 divided by the
  // golden ratio.
  size_t index_of(int fd) const {
    const uint64_t hash = static_cast<uint32_t>(fd) * uint32_t{0x9e3779b1};
    return static_cast<size_t>(hash * cores_.size() >> 32);
  }

  std::vector<std::unique_ptr<Core>> cores_;
};

class Core {
 public:
  Core(const Group& group, const Options& options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  absl::Status open() { return epoll_.open(); }

  // The core of `any`'s group that `fd` belongs to.
  static std::shared_ptr<Core> of_fd(const std::shared_ptr<Core>& any, int fd) {
    return std::shared_ptr<Core>(any, &any->group_.core_of(fd));
  }

  Core& in_group(size_t number) const {
    return *group_.cores()[number % group_.cores().size()];
  }

  size_t poll(std::optional<std::chrono::nanoseconds> timeout, size_t at_most);
  void wake();
  void shut_down();
  Metrics metrics() const;

  LazyUring& uring() { return uring_; }
  // See Reactor.
  void flush();
  bool has_operations() const;
  std::vector<std::string> drain(
      std::chrono::steady_clock::time_point deadline);

  // The index of the entry for `fd`; kCancelled after shut_down().
  absl::StatusOr<uint32_t> add(int fd, bool assume_ready);
  void remove(uint32_t index, int fd);
  Entry& entry(uint32_t index) const { return entries_[index]; }

 private:
  size_t deliver(size_t count);

  const Group& group_;
  Epoll epoll_;
  WakeState wake_state_;
  base::Slab<Entry> entries_;

  base::Mutex mu_;
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;

  // The holder's: where the kernel puts events, and counters that nobody else
  // writes. has_poller_ is there to find a second holder.
  std::vector<epoll_event> events_;
  std::atomic<bool> has_poller_{false};
  std::atomic<uint64_t> polls_{0};
  std::atomic<uint64_t> event_count_{0};
  std::atomic<uint64_t> stale_events_{0};

  std::atomic<uint64_t> wakes_{0};
  std::atomic<uint64_t> wake_writes_{0};
  std::atomic<uint64_t> registrations_{0};

  LazyUring uring_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_CORE_H_
