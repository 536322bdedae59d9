#include "benchmarks/net/churn.h"

#include <optional>
#include <vector>

#include "benchmarks/net/echo_stream.h"
#include "benchmarks/net/poller.h"
#include "benchmarks/net/process.h"

namespace eddy::benchmarks::net {
namespace {

struct Slot {
  Clock::time_point start;
  std::optional<EchoStream> stream;
};

class Churn {
 public:
  Churn(std::size_t slots, const Target& target, const Timing& timing)
      : port_(target.port), slots_(slots), window_(target, timing) {}

  Result run() {
    for (std::size_t i = 0; i < slots_.size(); ++i) start(i);
    while (window_.open(Clock::now())) {
      take_answers(window_.next_edge(), [this](std::size_t i) { start(i); });
    }
    std::size_t left = slots_.size();
    while (left > 0 && Clock::now() < window_.last_call()) {
      take_answers(window_.last_call(), [&](std::size_t) { --left; });
    }
    for (const Slot& slot : slots_) {
      if (slot.stream) window_.record(slot.start, Clock::now());
    }
    return window_.result();
  }

 private:
  void start(std::size_t i) {
    slots_[i].start = Clock::now();
    EchoStream& stream = slots_[i].stream.emplace(port_, i, Work{});
    stream.socket().reset_at_end();
    poller_.add(stream.fd(), i);
    if (!stream.send_next()) fail("the kernel takes no request");
  }

  template <class AfterAnswer>
  void take_answers(Clock::time_point until, AfterAnswer after_answer) {
    for (const epoll_event& event : poller_.wait(until)) {
      const std::size_t i = event.data.u64;
      if (slots_[i].stream->receive() == 0) continue;
      window_.record(slots_[i].start, Clock::now());
      slots_[i].stream.reset();
      after_answer(i);
    }
  }

  const uint16_t port_;
  std::vector<Slot> slots_;
  Poller poller_;
  Window window_;
};

}  // namespace

Result run_churn(std::size_t slots, const Target& target,
                 const Timing& timing) {
  return Churn(slots, target, timing).run();
}

}  // namespace eddy::benchmarks::net
