// Sleep: a future that is ready when its time has come.
//
//   using namespace std::chrono_literals;
//   co_await eddy::time::sleep(20ms);
//
//   auto sleep = eddy::time::sleep(1s);
//   ... co_await eddy::select(sleep, stream.read(buffer)) ...
//   sleep.reset(eddy::time::now() + 1s);  // as an idle timer does
//
// It is never ready early, and on an idle machine some 1 ms late at most. The
// clock is that of the runtime in which the Sleep is made, which a test may
// pause; outside of a runtime it is the system's.
//
// Threads: belongs to one task.
// Cancel:  destroying it unlinks it; nothing else happens.
// Errors:  none. When the runtime has shut down it is ready at once. Deadlines
//          saturate: a sleep of duration::max() never ends.
// Owner:   may be moved while nobody waits for it: before the first poll, and
//          when it is ready. While pending, its address is in a timing wheel.
//          Once ready it stays so, until reset().
#ifndef EDDY_RUNTIME_TIME_SLEEP_H_
#define EDDY_RUNTIME_TIME_SLEEP_H_

#include <chrono>

#include "runtime/task/future.h"
#include "runtime/time/clock.h"
#include "runtime/time/current_clock.h"
#include "runtime/time/timers.h"

namespace eddy::time {

class [[nodiscard]] Sleep {
 public:
  using Output = void;

  explicit Sleep(Instant deadline) : deadline_(deadline) {}
  Sleep(Sleep&& other) noexcept;
  Sleep& operator=(Sleep&&) = delete;
  ~Sleep() { cancel(); }

  // Registers when it is first pending, and not before.
  Poll<void> poll(Context& cx);

  Instant deadline() const { return deadline_; }
  // True once the time has come and the wake was sent.
  bool is_elapsed() const { return elapsed_ || timer_.is_fired(); }

  // Begins anew. If it is pending, whoever waits is woken at the new time.
  void reset(Instant deadline);

 private:
  friend class Interval;
  template <Future F>
  friend class Timeout;

  // True when the time has come. `at_once`: also if it had come before anybody
  // waited; else the timers say so, and others run until then.
  bool poll_timer(const Waker& waker, bool at_once);
  // Nobody waits any more.
  void cancel() {
    if (timer_.is_armed()) timers_->cancel(timer_);
  }

  Instant deadline_;
  Timers* timers_ = nullptr;  // set at the first poll
  Timer timer_;
  bool elapsed_ = false;  // poll() has said so
};

// Ready at `deadline`.
inline Sleep sleep_until(Instant deadline) { return Sleep(deadline); }

// Ready `duration` from now. A time of zero or less is over at once.
template <class Rep, class Period>
Sleep sleep(std::chrono::duration<Rep, Period> duration) {
  return Sleep(saturating_add(now(), saturating_cast(duration)));
}

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_SLEEP_H_
