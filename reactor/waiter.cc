#include "reactor/waiter.h"

#include "reactor/entry.h"

namespace eddy::reactor {

Poll<Readiness> Waiter::poll_ready(Context& cx) {
  ReadinessWord& readiness = entry_->readiness(direction_);
  for (;;) {
    const Readiness seen = readiness.load();
    if (seen.is_ready()) {
      // [ready] Whoever made it ready has emptied the slot before.
      in_slot_ = false;
      return seen;
    }
    if (entry_->wait(direction_, this, cx.waker())) {
      in_slot_ = true;
      return kPending;
    }
  }
}

Readiness Waiter::readiness() const {
  return entry_->readiness(direction_).load();
}

void Waiter::clear(Readiness seen) {
  entry_->readiness(direction_).clear(seen);
}

void Waiter::leave() { entry_->leave(direction_, this); }

}  // namespace eddy::reactor
