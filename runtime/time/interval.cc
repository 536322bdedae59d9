#include "runtime/time/interval.h"

#include "runtime/base/check.h"

namespace eddy::time {

namespace {

// How late a tick may be taken and still count as in time. Tokio's figure.
constexpr Duration kTolerance = std::chrono::milliseconds(5);

}  // namespace

Instant next_tick(Instant scheduled, Instant now, Duration period,
                  MissedTickBehavior behavior) {
  const Instant regular = saturating_add(scheduled, period);
  switch (behavior) {
    case MissedTickBehavior::kBurst:
      return regular;
    case MissedTickBehavior::kDelay:
      return now > saturating_add(scheduled, kTolerance)
                 ? saturating_add(now, period)
                 : regular;
    case MissedTickBehavior::kSkip:
      if (now < regular) return regular;
      return saturating_add(now,
                            period - saturating_sub(now, scheduled) % period);
  }
  __builtin_unreachable();
}

Interval::Interval(Instant start, Duration period)
    : sleep_(start), period_(period) {
  EDDY_CHECK(period > Duration::zero(),
             "interval(): the period must be greater than zero");
}

Poll<Instant> Interval::poll_tick(Context& cx) {
  if (sleep_.poll(cx).is_pending()) return kPending;
  const Instant scheduled = sleep_.deadline();
  sleep_.reset(next_tick(scheduled, now(), period_, behavior_));
  return scheduled;
}

}  // namespace eddy::time
