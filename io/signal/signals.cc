#include "io/signal/signals.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "io/signal/dispatch.h"
#include "reactor/registration.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/context/current.h"

namespace eddy::io {

// Listens from its making on; the fd is registered for as long as it lives.
class Signals::Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    registration_.reset();  // before its fd
    if (fd_ >= 0) base::sys().close(fd_);
    for (const Heard& heard : heard_) signal::uninstall(heard.signal);
  }

  absl::Status open(std::initializer_list<int> signals,
                    reactor::Reactor& reactor) {
    for (int number : signals) {
      EDDY_RETURN_IF_ERROR(signal::install(number));
      heard_.push_back({.signal = number, .count = signal::count(number)});
    }
    std::sort(heard_.begin(), heard_.end(),
              [](Heard a, Heard b) { return a.signal < b.signal; });
    EDDY_ASSIGN_OR_RETURN(fd_, signal::duplicate_event_fd());
    EDDY_ASSIGN_OR_RETURN(
        registration_,
        reactor::Registration::add(reactor, fd_, reactor::Assume::kNotReady));
    return absl::OkStatus();
  }

  std::optional<int> take() {
    for (Heard& heard : heard_) {
      const uint64_t count = signal::count(heard.signal);
      if (std::exchange(heard.count, count) != count) return heard.signal;
    }
    return std::nullopt;
  }

  const reactor::Registration& registration() const { return *registration_; }

 private:
  struct Heard {
    int signal;
    uint64_t count;  // of which take() has told
  };

  std::vector<Heard> heard_;
  int fd_ = -1;
  std::optional<reactor::Registration> registration_;
};

absl::StatusOr<Signals> Signals::listen(std::initializer_list<int> signals) {
  if (signals.size() == 0) {
    return absl::InvalidArgumentError("Signals::listen(): no signal is named");
  }
  reactor::Reactor& reactor = context::services("Signals::listen()").reactor;
  auto listener = std::make_unique<Listener>();
  EDDY_RETURN_IF_ERROR(listener->open(signals, reactor));
  return Signals(std::move(listener));
}

Signals::Signals(std::unique_ptr<Listener> listener)
    : listener_(std::move(listener)) {}
Signals::Signals(Signals&&) noexcept = default;
Signals& Signals::operator=(Signals&&) noexcept = default;
Signals::~Signals() = default;

Signals::Next Signals::next() { return Next(*listener_); }

Signals::Next::Next(Listener& listener)
    : listener_(listener),
      waiter_(listener.registration(), reactor::Direction::kRead) {}

// The counts are what is waited for, and are looked at after each clear(): a
// signal that comes later than that finds the tick moved on, or the waker.
Poll<absl::StatusOr<int>> Signals::Next::poll(Context& cx) {
  for (;;) {
    if (std::optional<int> signal = listener_.take()) {
      return absl::StatusOr<int>(*signal);
    }
    Poll<reactor::Readiness> ready = waiter_.poll_ready(cx);
    if (ready.is_pending()) return kPending;
    if (ready->is_shutdown()) {
      return absl::StatusOr<int>(
          absl::CancelledError("the runtime has shut down"));
    }
    waiter_.clear(*ready);
  }
}

}  // namespace eddy::io
