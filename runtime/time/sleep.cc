#include "runtime/time/sleep.h"

#include "runtime/base/check.h"
#include "runtime/context/current.h"

namespace eddy::time {
namespace {

// How far Clock::recent() lies back, at most. If it lies back further, a time
// that is over is found by the timers.
constexpr Duration kRecent = std::chrono::milliseconds(20);

// Nearly all deadlines are so far ahead that the cheap clock says enough.
bool is_over(Instant deadline, const Clock& clock) {
  return deadline <= saturating_add(clock.recent(), kRecent) &&
         deadline <= clock.now();
}

}  // namespace

Sleep::Sleep(Sleep&& other) noexcept
    : deadline_(other.deadline_), elapsed_(other.is_elapsed()) {
  EDDY_CHECK(!other.timer_.is_armed(),
             "a Sleep is moved while it is pending: move it before its first "
             "poll, or await it by reference");
}

Poll<void> Sleep::poll(Context& cx) {
  // Whoever loops over times that have passed must let others run. But a time
  // that has come is not kept back because others spent the budget.
  if (elapsed_ && !cx.has_budget()) return cx.yield();
  if (!elapsed_) {
    const bool is_new = !timer_.is_armed() && !timer_.is_fired();
    if (!poll_timer(cx.waker(), cx.has_budget())) return kPending;
    elapsed_ = true;
    // Of timers that have been shut down: a loop over them would never end.
    if (is_new && !cx.has_budget()) return cx.yield();
  }
  cx.spend();
  return kReady;
}

bool Sleep::poll_timer(const Waker& waker, bool at_once) {
  const bool is_idle = !timer_.is_armed() && !timer_.is_fired();
  // Those of before may be another runtime's, and gone.
  if (is_idle) timers_ = &context::services("sleep()").timers;
  if (is_idle && at_once && is_over(deadline_, timers_->clock())) return true;
  return timers_->poll(timer_, deadline_, waker);
}

void Sleep::reset(Instant deadline) {
  deadline_ = deadline;
  elapsed_ = false;
  if (timers_ != nullptr) timers_->reset(timer_, deadline);
}

}  // namespace eddy::time
