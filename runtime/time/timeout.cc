#include "runtime/time/timeout.h"

namespace eddy::time {

absl::Status timeout_error() {
  return absl::DeadlineExceededError("timeout(): the time is over");
}

}  // namespace eddy::time
