// DelayCore: the part of a DelayQueue that knows nothing of its values: when
// which entry is due, and one timer for the first of them.
//
// Threads: of one task. Owner: entries are removed before they end.
#ifndef EDDY_RUNTIME_TIME_DELAY_CORE_H_
#define EDDY_RUNTIME_TIME_DELAY_CORE_H_

#include <cstddef>
#include <cstdint>

#include "runtime/task/future.h"
#include "runtime/time/clock.h"
#include "runtime/time/sleep.h"
#include "runtime/time/wheel.h"

namespace eddy::time {

class DelayCore {
 public:
  // Counts milliseconds as the current runtime does.
  DelayCore();

  // If somebody waits, he is woken in time.
  void insert(TimerEntry& entry, Instant deadline);
  void remove(TimerEntry& entry);

  bool empty() const { return wheel_.empty(); }
  // Not of an empty one. The entry that is due first, once it is, and out of
  // the queue.
  Poll<TimerEntry&> poll(Context& cx);

 private:
  static constexpr Tick kNobodyWaits = 0;

  Tick tick_of(Instant deadline) const;  // rounds up
  Instant instant_of(Tick tick) const;

  const Instant origin_;
  Wheel wheel_;
  Sleep sleep_;
  Tick planned_ = kNobodyWaits;  // the tick for which sleep_ waits
};

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_DELAY_CORE_H_
