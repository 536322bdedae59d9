// A closed loop: each connection has one request under way, and sends the next
// one when the answer has come. Stream is EchoStream or HttpStream.
#ifndef EDDY_BENCHMARKS_NET_CLOSED_LOOP_H_
#define EDDY_BENCHMARKS_NET_CLOSED_LOOP_H_

#include <chrono>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "benchmarks/net/poller.h"
#include "benchmarks/net/process.h"
#include "benchmarks/net/window.h"

namespace eddy::benchmarks::net {

template <class Stream>
class ClosedLoop {
 public:
  explicit ClosedLoop(std::span<Stream> streams)
      : streams_(streams), sent_at_(streams.size()) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      poller_.add(streams_[i].fd(), i);
    }
  }

  // One request for each connection, so that the server has accepted it.
  void run_once() {
    send_all();
    const auto patience = Clock::now() + std::chrono::seconds(5);
    while (unanswered_ > 0 && Clock::now() < patience) {
      take_answers(patience, [](std::size_t) {});
    }
    if (unanswered_ > 0) fail("the first request has no answer");
  }

  Result run(const Target& target, const Timing& timing) {
    Window window(target, timing);
    send_all();
    while (window.open(Clock::now())) {
      take_answers(window.next_edge(), [&](std::size_t i) {
        const auto sent_at = std::exchange(sent_at_[i], Clock::now());
        window.record(sent_at, sent_at_[i]);
        send(i);
      });
    }
    while (unanswered_ > 0 && Clock::now() < window.last_call()) {
      take_answers(window.last_call(), [&](std::size_t i) {
        window.record(sent_at_[i], Clock::now());
        sent_at_[i] = kAnswered;
      });
    }
    for (const auto sent_at : sent_at_) {  // and what never was
      if (sent_at != kAnswered) window.record(sent_at, Clock::now());
    }
    return window.result();
  }

 private:
  static constexpr Clock::time_point kAnswered = Clock::time_point::min();

  void send_all() {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      sent_at_[i] = Clock::now();
      send(i);
    }
  }

  void send(std::size_t i) {
    if (!streams_[i].send_next()) fail("the kernel takes no request");
    ++unanswered_;
  }

  template <class OnAnswer>
  void take_answers(Clock::time_point until, OnAnswer on_answer) {
    for (const epoll_event& event : poller_.wait(until)) {
      const std::size_t i = event.data.u64;
      if (streams_[i].receive() == 0) continue;
      --unanswered_;
      on_answer(i);
    }
  }

  const std::span<Stream> streams_;
  std::vector<Clock::time_point> sent_at_;
  std::size_t unanswered_ = 0;
  Poller poller_;
};

}  // namespace eddy::benchmarks::net

#endif  // EDDY_BENCHMARKS_NET_CLOSED_LOOP_H_
