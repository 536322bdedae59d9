#include "runtime/scheduler/driver.h"

#include <algorithm>
#include <optional>

#include "runtime/scheduler/flavor.h"

namespace eddy::scheduler {

namespace {

constexpr std::chrono::nanoseconds kDontWait{0};

}  // namespace

void Driver::turn(Wait wait, const Flavor& flavor, std::size_t at_most,
                  std::chrono::nanoseconds brief) {
  std::optional<time::Duration> timeout;
  if (wait == Wait::kNone) timeout = kDontWait;
  if (wait == Wait::kBriefly) timeout = brief;
  if (timers_ == nullptr) {
    reactor_.poll(timeout, at_most);
  } else if (wait == Wait::kNone) {
    reactor_.poll(timeout, at_most);
    fire();
  } else {
    wait_until_due(timeout, flavor, at_most);
  }
}

void Driver::wait_until_due(std::optional<time::Duration> timeout,
                            const Flavor& flavor, std::size_t at_most) {
  const std::optional<time::Instant> until = timers_->prepare_sleep();
  // After prepare_sleep(): from there on a pause ends the sleep.
  if (timers_->clock().is_paused()) {
    wait_paused(timeout, flavor, at_most);
  } else {
    if (until.has_value()) {
      const time::Duration left =
          std::max(*until - timers_->clock().now(), time::Duration::zero());
      timeout = std::min(timeout.value_or(left), left);
    }
    reactor_.poll(timeout, at_most);
  }
  timers_->awake();
  fire();
}

void Driver::wait_paused(std::optional<time::Duration> timeout,
                         const Flavor& flavor, std::size_t at_most) {
  reactor_.poll(kDontWait, at_most);
  fire();
  if (flavor.has_pending_work()) return;
  // First the deadline: whoever arms a timer from here on may have begun an
  // operation as well, after we have asked for operations. It must not have
  // been cancelled meanwhile, either.
  const std::optional<time::Instant> next = timers_->next_deadline();
  // What the ring has ends by itself, as a blocking job does.
  if (next.has_value() && flavor.is_quiescent() && !reactor_.has_operations()) {
    if (timers_->next_deadline() == next) timers_->clock().advance_to(*next);
    return;
  }
  // Either nothing will happen by itself, or somebody runs: whoever goes idle
  // calls wake().
  reactor_.poll(timeout, at_most);
}

void Driver::fire() { timers_->fire(timers_->clock().now()); }

}  // namespace eddy::scheduler
