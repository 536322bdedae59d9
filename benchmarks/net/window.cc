#include "benchmarks/net/window.h"

#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {

Window::Window(const Target& target, const Timing& timing)
    : target_(target),
      warm_up_start_(Clock::now()),
      start_(warm_up_start_ + timing.warm_up),
      end_(start_ + timing.measured),
      patience_(timing.patience) {}

bool Window::open(Clock::time_point now) {
  if (!started_ && now >= start_) {
    started_ = true;
    opened_at_ = now;
    cpu_at_start_ = cpu_time(target_.processes);
  }
  if (!ended_ && now >= end_) {
    ended_ = true;
    result_.wall = now - opened_at_;
    result_.cpu = cpu_time(target_.processes) - cpu_at_start_;
  }
  return !ended_;
}

const Result& Window::result() const {
  if (result_.requests == 0) fail("the server has answered no request");
  return result_;
}

}  // namespace eddy::benchmarks::net
