// Core: what a Reactor and its Registrations share. It lives until the last of
// them is gone, so that a socket may be closed after its runtime has ended.
//
// Threads: any; poll() by the holder of the reactor's role.
#ifndef EDDY_REACTOR_CORE_H_
#define EDDY_REACTOR_CORE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "reactor/entry.h"
#include "reactor/epoll.h"
#include "reactor/reactor.h"
#include "reactor/wake_state.h"
#include "runtime/base/mutex.h"
#include "runtime/base/slab.h"

namespace eddy::reactor {

class Core {
 public:
  explicit Core(size_t max_events_per_poll) : events_(max_events_per_poll) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  absl::Status open() { return epoll_.open(); }

  size_t poll(std::optional<std::chrono::nanoseconds> timeout);
  void wake();
  void shut_down();
  Metrics metrics() const;

  // The index of the entry for `fd`; kCancelled after shut_down().
  absl::StatusOr<uint32_t> add(int fd, bool assume_ready);
  void remove(uint32_t index, int fd);
  Entry& entry(uint32_t index) const { return entries_[index]; }

 private:
  size_t deliver(size_t count);

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
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_CORE_H_
