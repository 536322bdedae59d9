#include "runtime/blocking/call.h"

namespace eddy::blocking {
namespace {

// Why the job that this thread is ending now will not run. A thread-local, so
// that jobs need no room for what almost never happens.
thread_local constinit const std::exception_ptr* refusal = nullptr;

}  // namespace

void refuse(task::Header& job, std::exception_ptr why) noexcept {
  const std::exception_ptr* outer = std::exchange(refusal, &why);
  job.run();
  refusal = outer;
}

void throw_if_refused() {
  if (refusal != nullptr) [[unlikely]] {
    std::rethrow_exception(*refusal);
  }
}

}  // namespace eddy::blocking
