// The clock of the current runtime, which a test may stop and move.
//
//   eddy::time::pause();
//   eddy::time::Instant start = eddy::time::now();
//   co_await eddy::time::sleep(std::chrono::hours(1));  // takes no time
//   assert(eddy::time::now() - start == std::chrono::hours(1));
//
// While the clock is paused and every task waits, it moves by itself to the
// next deadline.
//
// Threads: any thread of a runtime, or one that entered it.
// Errors:  all but now() outside of a runtime, and advance() of a clock that
//          runs, are misuse.
#ifndef EDDY_RUNTIME_TIME_CURRENT_CLOCK_H_
#define EDDY_RUNTIME_TIME_CURRENT_CLOCK_H_

#include "runtime/time/clock.h"

namespace eddy::time {

// Outside of a runtime: the system's monotonic clock.
Instant now();

// Stops the clock, and lets it go on.
void pause();
void resume();

// Moves a paused clock on. Whoever waits for a time up to then is woken, soon.
void advance(Duration duration);

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_CURRENT_CLOCK_H_
