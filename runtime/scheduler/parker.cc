#include "runtime/scheduler/parker.h"

#include <cerrno>

#include "runtime/base/sys.h"

namespace eddy::scheduler {

namespace {

constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kAcquire = std::memory_order_acquire;

const uint32_t* futex_word(const std::atomic<uint32_t>& state) {
  static_assert(sizeof(state) == sizeof(uint32_t));
  return reinterpret_cast<const uint32_t*>(&state);
}

}  // namespace

void Parker::park() { wait(nullptr); }

bool Parker::park_until(std::chrono::steady_clock::time_point deadline) {
  const auto since = deadline.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(since);
  const timespec time = {.tv_sec = whole.count(),
                         .tv_nsec = (since - whole).count()};
  return wait(&time);
}

bool Parker::wait(const timespec* deadline) {
  uint32_t expected = kEmpty;
  if (state_.compare_exchange_strong(expected, kParked, kAcqRel, kAcquire)) {
    // Whatever ends the wait (a token, a signal, nothing), the word decides.
    while (state_.load(kAcquire) == kParked) {
      const int result =
          base::sys().futex_wait(futex_word(state_), kParked, deadline);
      if (result == 0 || errno != ETIMEDOUT) continue;
      expected = kParked;
      if (state_.compare_exchange_strong(expected, kEmpty, kAcqRel, kAcquire)) {
        return false;
      }
    }
  }
  state_.exchange(kEmpty, kAcqRel);  // [unpark] acquire
  return true;
}

void Parker::unpark() {
  if (state_.exchange(kToken, kAcqRel) == kParked) {  // [unpark] release
    base::sys().futex_wake(futex_word(state_), 1);
  }
}

}  // namespace eddy::scheduler
