#include "runtime/combinators/select.h"

#include "runtime/base/random.h"

namespace eddy::combinators {
namespace {

// Not inlined: a coroutine may go on on another thread, and a compiler may keep
// the address of a thread-local across the suspension.
[[gnu::noinline]] base::Random& this_thread() {
  thread_local base::Random random(base::random_seed());
  return random;
}

}  // namespace

std::size_t random_start(std::size_t count) {
  return this_thread().below(static_cast<uint32_t>(count));
}

void seed_random_starts(uint64_t seed) { this_thread() = base::Random(seed); }

}  // namespace eddy::combinators
