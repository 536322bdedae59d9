#include "runtime/combinators/select.h"

#include "runtime/base/random.h"

namespace eddy::combinators {
namespace {

// Not inlined: a coroutine may go on on another thread, and a compiler may keep
// the address of a thread-local across the suspension.
[[gnu::noinline]] base::Random& this_thread() {
  // Seeded here and not where it is made, which would cost a look at a guard
  // for each variable of the thread.
  constinit thread_local base::Random random(0);
  constinit thread_local bool is_seeded = false;
  if (!is_seeded) [[unlikely]] {
    random = base::Random(base::random_seed());
    is_seeded = true;
  }
  return random;
}

}  // namespace

std::size_t random_start(std::size_t count) {
  return this_thread().below(static_cast<uint32_t>(count));
}

void seed_random_starts(uint64_t seed) { this_thread() = base::Random(seed); }

}  // namespace eddy::combinators
