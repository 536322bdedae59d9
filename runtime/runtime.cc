#include "runtime/runtime.h"

#include <cstdio>

#include "runtime/time/clock.h"

namespace eddy {

Runtime& Runtime::operator=(Runtime&& other) noexcept {
  if (this != &other) {
    Runtime ended(std::move(*this));
    handle_ = std::move(other.handle_);
  }
  return *this;
}

Runtime::~Runtime() {
  if (handle_.core_ != nullptr) shutdown_timeout(kShutdownPatience);
}

std::vector<std::string> Runtime::shutdown_timeout(
    std::chrono::nanoseconds patience) {
  std::vector<std::string> stuck = handle_.core_->shutdown(
      time::saturating_add(time::Clock::system_now(), patience));
  for (const std::string& what : stuck) {
    std::fprintf(stderr, "eddy: still running at shutdown: %s\n", what.c_str());
  }
  return stuck;
}

void Runtime::shutdown_background() {
  handle_.core_->shutdown(time::Clock::system_now());
}

}  // namespace eddy
