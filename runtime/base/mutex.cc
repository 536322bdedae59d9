#include "runtime/base/mutex.h"

#include <time.h>

#include <cerrno>

#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));

const uint32_t* futex_word(const std::atomic<uint32_t>& word) {
  return reinterpret_cast<const uint32_t*>(&word);
}

// libstdc++'s steady_clock is CLOCK_MONOTONIC.
timespec to_timespec(CondVar::Clock::time_point deadline) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  const nanoseconds since = deadline.time_since_epoch();
  if (since <= nanoseconds::zero()) return {.tv_sec = 0, .tv_nsec = 0};
  const seconds whole = std::chrono::floor<seconds>(since);
  return {.tv_sec = whole.count(), .tv_nsec = (since - whole).count()};
}

}  // namespace

// No notification is lost. A waiter reads the count and announces itself under
// the mutex, before it lets go of it; whoever changes the condition does so
// under the mutex, and notifies afterwards. So either the waiter saw the
// change, or the notifier sees the waiter, and moves the count on from the
// value that the waiter sleeps on. The mutex orders all this, and the words
// themselves need no order. (A waiter that meets exactly 2^32
// notifications between its read and the system call would sleep on.)
void CondVar::wait(Mutex& mu) { wait_until(mu, Clock::time_point::max()); }

bool CondVar::wait_until(Mutex& mu, Clock::time_point deadline) {
  const uint32_t seen = notifications_.load(std::memory_order_relaxed);
  waiters_.fetch_add(1, std::memory_order_relaxed);
  mu.unlock();
  const bool forever = deadline == Clock::time_point::max();
  const timespec until = to_timespec(deadline);
  const int result = sys().futex_wait(futex_word(notifications_), seen,
                                      forever ? nullptr : &until);
  const bool timed_out = result != 0 && errno == ETIMEDOUT;
  mu.lock();
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  return !timed_out;
}

void CondVar::notify(int count) {
  if (waiters_.load(std::memory_order_relaxed) == 0) return;
  notifications_.fetch_add(1, std::memory_order_relaxed);
  sys().futex_wake(futex_word(notifications_), count);
}

}  // namespace eddy::base
