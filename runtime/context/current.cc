#include "runtime/context/current.h"

#include <cstdio>
#include <cstdlib>

namespace eddy::context {
namespace {

thread_local constinit Current this_thread;

}  // namespace

[[gnu::noinline]] Current& current() noexcept { return this_thread; }

void fail_outside_of_a_runtime(const char* what) {
  std::fprintf(stderr,
               "eddy: %s outside of a runtime: call it from a task, inside "
               "Runtime::block_on(), or after Handle::enter()\n",
               what);
  std::abort();
}

}  // namespace eddy::context
