// Help: when the holder of a reactor's role wakes another worker, to help it
// with what waits in its queue. Pure: no clock, no thread.
//
// To wake a thread costs as much as a few short tasks do, and where all CPUs
// are busy it takes from others what it gives to us: a load on the same
// machine, say. So the holder asks
//   - at once, if its polls are so long that one of them is worth it, and what
//     waits will last kAfter;
//   - else once the work has lasted kAfter, if some CPU has nothing to do. To
//     look for one costs something, too: each time that there is none, the
//     pause until the next look is twice as long;
//   - once it has lasted kAtLast in any case, since a process may have its
//     share of busy CPUs. Who comes then takes his time from somebody who runs,
//     a load on the same machine or the holder itself: so the next time it has
//     to last twice as long, up to kAtLatest, and half of that again after each
//     time that there was an idle CPU. (echo_c256: 10 such wakes a second and
//     not 50.)
//   - where as many run tasks as may, only after kAtLast: one of them may be
//     blocked.
//
// Threads: belongs to one.
#ifndef EDDY_RUNTIME_SCHEDULER_HELP_H_
#define EDDY_RUNTIME_SCHEDULER_HELP_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace eddy::scheduler {

class Help {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // What it costs to wake a thread, and to send it to sleep again.
  static constexpr std::chrono::microseconds kLongPoll{25};
  static constexpr std::chrono::microseconds kAfter{50};
  static constexpr std::chrono::microseconds kLongestPause{2'000};
  static constexpr std::chrono::microseconds kAtLast{5'000};
  static constexpr std::chrono::microseconds kAtLatest{1'280'000};

  // The holder is at its tasks from `now` on.
  void begin_run(TimePoint now) { last_ = now; }
  // It has polled so many tasks since the last call of the two.
  void ran(uint32_t polls, TimePoint now) {
    const auto mean = (now - std::exchange(last_, now)) / polls;
    // One that is far longer tells little of the next.
    mean_ +=
        (std::min<std::chrono::nanoseconds>(mean, 2 * kLongPoll) - mean_) / 4;
  }

  // Nothing waits.
  void end_backlog() { since_ = TimePoint(); }

  // So many tasks wait. Whether to ask, to look for an idle CPU before that, or
  // not even that. `is_manned`: as many run tasks as may.
  enum class Step : unsigned char { kNone, kLook, kAsk, kAskAtLast };
  Step next(uint32_t waiting, bool is_manned, TimePoint now) {
    if (since_ == TimePoint()) since_ = now;
    const auto waited = now - since_;
    if (is_manned) return waited >= kAtLast ? Step::kAsk : Step::kNone;
    if (mean_ >= kLongPoll && mean_ * waiting >= kAfter) return Step::kAsk;
    if (waited >= at_last_) return Step::kAskAtLast;
    return waited >= kAfter && now >= next_look_ ? Step::kLook : Step::kNone;
  }

  // It has asked, for that reason.
  void asked(Step step, TimePoint now) {
    since_ = now;
    pause_ = {};
    if (step == Step::kAskAtLast) at_last_ = std::min(2 * at_last_, kAtLatest);
    if (step == Step::kLook) at_last_ = std::max(at_last_ / 2, kAtLast);
  }
  void found_no_cpu(TimePoint now) {
    pause_ = std::clamp(2 * pause_, kAfter, kLongestPause);
    next_look_ = now + pause_;
  }

 private:
  TimePoint last_;                    // call of begin_run() or ran()
  std::chrono::nanoseconds mean_{0};  // of a poll's time
  TimePoint since_;  // of the backlog, or of the last call for help
  TimePoint next_look_;
  std::chrono::microseconds pause_{0};
  std::chrono::microseconds at_last_ = kAtLast;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_HELP_H_
