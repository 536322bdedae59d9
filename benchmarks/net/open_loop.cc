#include "benchmarks/net/open_loop.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "benchmarks/net/poller.h"
#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {
namespace {

class OpenLoop {
 public:
  OpenLoop(std::span<EchoStream> streams, EchoStream* staller,
           uint64_t per_second, const Target& target, const Timing& timing)
      : streams_(streams),
        staller_(staller),
        per_second_(per_second),
        progress_(streams.size()),
        window_(target, timing) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      poller_.add(streams_[i].fd(), i);
    }
    if (staller_ != nullptr) poller_.add(staller_->fd(), streams_.size());
  }

  Result run() {
    if (staller_ != nullptr) stall();
    for (;;) {
      const auto now = Clock::now();
      if (!window_.open(now)) break;
      send_what_is_due(now);
      take_answers(std::min(due(next_), window_.next_edge()));
    }
    while (answered_ < next_ && Clock::now() < window_.last_call()) {
      take_answers(window_.last_call());
    }
    for (std::size_t i = 0; i < streams_.size(); ++i) record_unanswered(i);
    return window_.result();
  }

 private:
  struct Progress {  // of a connection: how many of its requests
    uint64_t sent = 0;
    uint64_t answered = 0;
  };

  // When the nth request of all is due.
  Clock::time_point due(uint64_t n) const {
    const uint64_t second = n / per_second_;
    const uint64_t rest = n % per_second_ * 1'000'000'000 / per_second_;
    return window_.warm_up_start() + std::chrono::seconds(second) +
           std::chrono::nanoseconds(rest);
  }
  // And the nth of a connection.
  Clock::time_point due(std::size_t connection, uint64_t n) const {
    return due(n * streams_.size() + connection);
  }

  void send_what_is_due(Clock::time_point now) {
    for (; due(next_) <= now; ++next_) {
      send(next_ % streams_.size(), next_ / streams_.size() + 1);
    }
  }

  // Until `goal` requests are sent, or the kernel has no more room: the rest
  // goes out when an answer has made some.
  void send(std::size_t i, uint64_t goal) {
    while (progress_[i].sent < goal && streams_[i].send_next()) {
      ++progress_[i].sent;
    }
  }

  void take_answers(Clock::time_point until) {
    for (const epoll_event& event : poller_.wait(until)) {
      const std::size_t i = event.data.u64;
      if (i == streams_.size()) {
        if (staller_->receive() > 0 && Clock::now() < window_.end()) stall();
      } else {
        take_answers(i);
      }
    }
  }

  void take_answers(std::size_t i) {
    Progress& progress = progress_[i];
    const std::size_t answers = streams_[i].receive();
    const auto now = Clock::now();
    for (std::size_t n = 0; n < answers; ++n) {
      window_.record(due(i, progress.answered++), now);
    }
    answered_ += answers;
    send(i, goal(i));
  }

  // How many requests of the connection have been due so far.
  uint64_t goal(std::size_t i) const {
    return next_ / streams_.size() + (i < next_ % streams_.size() ? 1 : 0);
  }

  // With the time that they have waited so far: more would be guessed.
  void record_unanswered(std::size_t i) {
    const auto now = Clock::now();
    for (uint64_t n = progress_[i].answered; n < goal(i); ++n) {
      window_.record(due(i, n), now);
    }
  }

  void stall() {
    if (!staller_->send_next()) fail("the kernel takes no request");
  }

  const std::span<EchoStream> streams_;
  EchoStream* const staller_;
  const uint64_t per_second_;
  std::vector<Progress> progress_;
  uint64_t next_ = 0;      // requests that have been due
  uint64_t answered_ = 0;  // of all connections
  Poller poller_;
  Window window_;
};

}  // namespace

Result run_open_loop(std::span<EchoStream> streams, EchoStream* staller,
                     uint64_t per_second, const Target& target,
                     const Timing& timing) {
  return OpenLoop(streams, staller, per_second, target, timing).run();
}

}  // namespace eddy::benchmarks::net
