#include "runtime/time/delay_core.h"

#include <algorithm>
#include <cstdint>

#include "runtime/context/current.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/timers.h"

namespace eddy::time {
namespace {

constexpr int64_t kTickNanoseconds = 1'000'000;

}  // namespace

DelayCore::DelayCore()
    : origin_(context::services("DelayQueue").timers.clock().origin()),
      sleep_(Instant::max()) {}

Tick DelayCore::tick_of(Instant deadline) const {
  if (deadline <= origin_) return 0;
  const int64_t since = (deadline - origin_).count();
  return since / kTickNanoseconds + (since % kTickNanoseconds != 0 ? 1 : 0);
}

Instant DelayCore::instant_of(Tick tick) const {
  constexpr Tick kLast = INT64_MAX / kTickNanoseconds;
  const Duration since(static_cast<int64_t>(std::min(tick, kLast)) *
                       kTickNanoseconds);
  return saturating_add(origin_, since);
}

void DelayCore::insert(TimerEntry& entry, Instant deadline) {
  const Tick tick = tick_of(deadline);
  wheel_.insert(entry, tick);
  if (tick < planned_) {
    planned_ = tick;
    sleep_.reset(deadline);
  }
}

// The timer may then come too early, and poll() look again.
void DelayCore::remove(TimerEntry& entry) { wheel_.remove(entry); }

Poll<TimerEntry&> DelayCore::poll(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  for (;;) {
    const Instant present = std::max(now(), origin_);
    const Tick tick = (present - origin_).count() / kTickNanoseconds;
    if (TimerEntry* entry = wheel_.pop_due(tick)) {
      planned_ = kNobodyWaits;
      cx.spend();
      return *entry;
    }
    const Tick next = *wheel_.next_deadline();
    if (planned_ != next) sleep_.reset(instant_of(next));
    planned_ = next;
    if (sleep_.poll(cx).is_pending()) return kPending;
    planned_ = kNobodyWaits;
  }
}

}  // namespace eddy::time
