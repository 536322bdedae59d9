// Help: when the holder of a reactor's role wakes another worker, to help it
// with what waits in its queue. Pure: no clock, no thread.
//
// To wake a thread costs as much as a few tasks do, and where all CPUs are busy
// it takes from others what it gives to us: a load on the same machine, say. So
// the holder asks
//   - once the work has lasted kAfter, if some CPU has nothing to do. To look
//     for one costs something, too: each time that there is none, the pause
//     until the next look is twice as long;
//   - once it has lasted kAtLast in any case, since a process may have its share
//     of busy CPUs.
//
// Threads: belongs to one.
#ifndef EDDY_RUNTIME_SCHEDULER_HELP_H_
#define EDDY_RUNTIME_SCHEDULER_HELP_H_

#include <algorithm>
#include <chrono>

namespace eddy::scheduler {

class Help {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::microseconds kAfter{50};
  static constexpr std::chrono::microseconds kLongestPause{2'000};
  static constexpr std::chrono::microseconds kAtLast{5'000};

  // Nothing waits.
  void end_backlog() { since_ = TimePoint(); }

  // Something waits. Whether to look for an idle CPU, or not even that.
  enum class Step : unsigned char { kNone, kLook, kAsk };
  Step next(TimePoint now) {
    if (since_ == TimePoint()) since_ = now;
    const auto waited = now - since_;
    if (waited >= kAtLast) return Step::kAsk;
    return waited >= kAfter && now >= next_look_ ? Step::kLook : Step::kNone;
  }

  void asked(TimePoint now) {
    since_ = now;
    pause_ = {};
  }
  void found_no_cpu(TimePoint now) {
    pause_ = std::clamp(2 * pause_, kAfter, kLongestPause);
    next_look_ = now + pause_;
  }

 private:
  TimePoint since_;  // of the backlog, or of the last call for help
  TimePoint next_look_;
  std::chrono::microseconds pause_{0};
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_HELP_H_
