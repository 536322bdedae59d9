#include "reactor/core.h"

#include <algorithm>
#include <bit>
#include <span>

#include "runtime/base/check.h"

namespace eddy::reactor {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

static_assert(sizeof(Token) == sizeof(uint64_t));

// For counters with one writer at a time: no locked instruction.
void bump(std::atomic<uint64_t>& counter, uint64_t by) {
  counter.store(counter.load(kRelaxed) + by, kRelaxed);
}

}  // namespace

Group::Group(size_t count, const Options& options) {
  for (size_t i = 0; i < count; ++i) {
    cores_.push_back(std::make_unique<Core>(*this, options));
  }
}

Core::Core(const Group& group, const Options& options)
    : group_(group),
      events_(options.max_events_per_poll),
      uring_(options.io_uring, epoll_.interrupter(),
             [this](int ring) { return epoll_.add_completions(ring).ok(); }) {}

size_t Core::poll(std::optional<std::chrono::nanoseconds> timeout,
                  size_t at_most) {
  EDDY_DCHECK(!has_poller_.exchange(true, kRelaxed),
              "two threads poll one reactor");
  const bool may_wait = !timeout || *timeout > std::chrono::nanoseconds::zero();
  // One that does not wait leaves a wake() to the next that would: what the
  // caller looks at in between, it need not see.
  const bool waits = may_wait && wake_state_.begin_wait();
  if (!waits) timeout = std::chrono::nanoseconds::zero();
  // After begin_wait(): what comes later interrupts the wait.
  if (Uring* const uring = uring_.current()) {
    uring->flush();
    if (uring->has_completions()) timeout = std::chrono::nanoseconds::zero();
  }
  const size_t room = std::min(events_.size(), at_most);
  const size_t count = epoll_.wait(std::span(events_).first(room), timeout);
  if (waits) wake_state_.end_wait();
  bump(polls_, 1);
  const size_t interrupts = deliver(count);
  bump(event_count_, count - interrupts);
  Uring* const uring = uring_.current();
  if (uring != nullptr && uring->has_completions()) uring->reap();
  EDDY_DCHECK(has_poller_.exchange(false, kRelaxed));
  return count - interrupts;
}

// Returns how many of the events were interrupts.
size_t Core::deliver(size_t count) {
  size_t interrupts = 0;
  WakeBatch woken;
  for (const epoll_event& event : std::span(events_).first(count)) {
    if (event.data.u64 == Epoll::kInterrupt) {
      ++interrupts;
      continue;
    }
    const auto token = std::bit_cast<Token>(uint64_t{event.data.u64});
    if (woken.is_full()) woken.wake_all();
    if (!entries_[token.index].deliver(token.generation, event.events, woken)) {
      bump(stale_events_, 1);
    }
  }
  woken.wake_all();
  return interrupts;
}

void Core::wake() {
  wakes_.fetch_add(1, kRelaxed);
  if (wake_state_.wake() != WakeState::Duty::kWrite) return;
  wake_writes_.fetch_add(1, kRelaxed);
  epoll_.interrupter()->signal();
}

// An entry is acquired under the lock under which shut_down_ changes, so the
// walk below meets every entry that may ever be waited for. Entries that are
// free are not used again.
void Core::shut_down() {
  {
    base::MutexLock lock(&mu_);
    if (shut_down_) return;
    shut_down_ = true;
  }
  uring_.close();
  WakeBatch woken;
  const uint32_t size = entries_.size();
  for (uint32_t index = 0; index < size; ++index) {
    if (woken.is_full()) woken.wake_all();
    entries_[index].shut_down(woken);
  }
  woken.wake_all();
}

void Core::flush() {
  if (Uring* const uring = uring_.current()) uring->flush();
}

bool Core::has_operations() const {
  const Uring* const uring = uring_.current();
  return uring != nullptr && !uring->is_quiet();
}

std::vector<std::string> Core::drain(
    std::chrono::steady_clock::time_point deadline) {
  return uring_.drain(deadline);
}

absl::StatusOr<uint32_t> Core::add(int fd, bool assume_ready) {
  Token token;
  {
    base::MutexLock lock(&mu_);
    if (shut_down_) return absl::CancelledError("the runtime has shut down");
    token.index = entries_.acquire();
    token.generation = entries_[token.index].open(assume_ready);
  }
  const absl::Status status = epoll_.add(fd, std::bit_cast<uint64_t>(token));
  if (!status.ok()) {
    entries_[token.index].close();
    entries_.release(token.index);
    return status;
  }
  registrations_.fetch_add(1, kRelaxed);
  return token.index;
}

// The kernel forgets the fd first: closing it would not do if it was dup'ed.
void Core::remove(uint32_t index, int fd) {
  epoll_.remove(fd);
  entries_[index].close();
  entries_.release(index);
  registrations_.fetch_sub(1, kRelaxed);
}

Metrics Core::metrics() const {
  return {.polls = polls_.load(kRelaxed),
          .events = event_count_.load(kRelaxed),
          .stale_events = stale_events_.load(kRelaxed),
          .wakes = wakes_.load(kRelaxed),
          .wake_writes = wake_writes_.load(kRelaxed),
          .registrations = registrations_.load(kRelaxed),
          .io_uring = uring_.metrics()};
}

}  // namespace eddy::reactor
