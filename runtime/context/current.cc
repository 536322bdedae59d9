#include "runtime/context/current.h"

#include <cstdio>
#include <cstdlib>

namespace eddy::context {
namespace {

thread_local constinit Current this_thread;

}  // namespace

[[gnu::noinline]] Current& current() noexcept { return this_thread; }

const Services& services(const char* what) {
  const Services* services = current().services;
  if (services == nullptr) [[unlikely]] {
    std::fprintf(stderr,
                 "eddy: %s outside of a runtime: call it from a task, inside "
                 "Runtime::block_on(), or after Handle::enter()\n",
                 what);
    std::abort();
  }
  return *services;
}

}  // namespace eddy::context
