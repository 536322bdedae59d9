#include "runtime/base/random.h"

#include <sys/random.h>
#include <time.h>

#include <atomic>

#include "runtime/base/sys.h"

namespace eddy::base {

uint64_t random_seed() {
  uint64_t seed = 0;
  if (sys().getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed)) {
    return seed;
  }
  static std::atomic<uint64_t> calls{0};
  timespec now{};
  sys().clock_gettime(CLOCK_MONOTONIC, &now);
  const uint64_t call = calls.fetch_add(1, std::memory_order_relaxed);
  const auto seconds = static_cast<uint64_t>(now.tv_sec);
  const auto nanoseconds = static_cast<uint64_t>(now.tv_nsec);
  return Random(seconds * 1'000'000'000 + nanoseconds + (call << 48))();
}

}  // namespace eddy::base
