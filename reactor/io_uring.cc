#include "reactor/io_uring.h"

#include <algorithm>
#include <cstring>

namespace eddy {

std::string IoUringStatus::message() const {
  const char* what = "";
  switch (state) {
    case State::kOk:
      return "io_uring: in use";
    case State::kOff:
      return "io_uring: turned off by Builder::io_uring()";
    case State::kUnsupported:
      what = "this kernel does not have it";
      break;
    case State::kForbidden:
      what = "forbidden to this process, as in a container";
      break;
    case State::kDisabled:
      what = "disabled by the sysctl kernel.io_uring_disabled";
      break;
    case State::kTooOld:
      return "io_uring: that of this kernel is too old; Linux 5.6 will do";
    case State::kFailed:
      what = "no ring could be made";
      break;
  }
  return std::string("io_uring: ") + what + ": " + std::strerror(error);
}

namespace reactor {

IoUringMetrics& IoUringMetrics::operator+=(const IoUringMetrics& other) {
  submitted += other.submitted;
  completed += other.completed;
  in_flight += other.in_flight;
  batches += other.batches;
  largest_batch = std::max(largest_batch, other.largest_batch);
  cancels += other.cancels;
  retries += other.retries;
  overflows += other.overflows;
  fallbacks += other.fallbacks;
  return *this;
}

}  // namespace reactor
}  // namespace eddy
