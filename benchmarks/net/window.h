// Window: the time in which a load counts. Before it the server warms up; after
// it what is still unanswered is waited for, since a request that nobody
// answers must not be missing among the latencies.
//
//   Window window(target, timing);
//   while (window.open(Clock::now())) {
//     ... window.record(sent_at, Clock::now());
//   }
//   return window.result();
//
// Threads: one.
#ifndef EDDY_BENCHMARKS_NET_WINDOW_H_
#define EDDY_BENCHMARKS_NET_WINDOW_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "benchmarks/net/histogram.h"
#include "benchmarks/net/poller.h"

namespace eddy::benchmarks::net {

struct Target {
  uint16_t port = 0;
  std::vector<pid_t> processes;  // whose CPU time counts
};

struct Timing {
  Clock::duration warm_up;
  Clock::duration measured;
  Clock::duration patience = std::chrono::seconds(2);  // after the end
};

struct Result {
  LatencyHistogram latency;
  uint64_t requests = 0;  // answered within the window
  std::chrono::nanoseconds wall{0};
  std::chrono::nanoseconds cpu{0};  // of the server
};

class Window {
 public:
  Window(const Target& target, const Timing& timing);

  Clock::time_point warm_up_start() const { return warm_up_start_; }
  Clock::time_point end() const { return end_; }
  // Until when to wait for answers after the end.
  Clock::time_point last_call() const { return end_ + patience_; }
  // The next moment at which open() must be called.
  Clock::time_point next_edge() const { return started_ ? end_ : start_; }

  // False from the end on.
  bool open(Clock::time_point now);

  // A request that was sent, or should have been, at `from` is answered.
  // Answers are counted while the window is open; the latency counts where the
  // request belongs into the window.
  void record(Clock::time_point from, Clock::time_point now) {
    if (started_ && !ended_) ++result_.requests;
    if (from >= start_ && from < end_) result_.latency.record(now - from);
  }

  // Ends the process if there was no answer at all.
  const Result& result() const;

 private:
  const Target& target_;
  const Clock::time_point warm_up_start_;
  const Clock::time_point start_;
  const Clock::time_point end_;
  const Clock::duration patience_;
  bool started_ = false;
  bool ended_ = false;
  Clock::time_point opened_at_;
  std::chrono::nanoseconds cpu_at_start_{0};
  Result result_;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_WINDOW_H_
