#include "runtime/time/current_clock.h"

#include "runtime/context/current.h"
#include "runtime/time/timers.h"

namespace eddy::time {

Instant now() {
  const context::Services* services = context::current().services;
  return services == nullptr ? Clock::system_now()
                             : services->timers.clock().now();
}

void pause() { context::services("time::pause()").timers.pause(); }

void resume() { context::services("time::resume()").timers.resume(); }

void advance(Duration duration) {
  context::services("time::advance()").timers.advance(duration);
}

}  // namespace eddy::time
