// How wake() interrupts a poll of the reactor, in one atomic word: many wakes
// cost one write to the eventfd, and none if nobody waits.
//
//   from      by             to        the caller must
//   --------  -------------  --------  -------------------------------
//   kAwake    wake()         kWoken    -
//   kWaiting  wake()         kWoken    write to the eventfd
//   kWoken    wake()         kWoken    -
//   kAwake    begin_wait()   kWaiting  wait
//   kWoken    begin_wait()   kAwake    not wait, only look for events
//   kWaiting  end_wait()     kAwake    -
//   kWoken    end_wait()     kAwake    -
//
// kWaiting: the holder of the reactor's role waits for events, or is about to.
// A poll that does not wait has no edge here: a wake() before it is there for
// the next wait, since its caller may have looked for what was new earlier.
// A write that comes after the wait has ended for another reason makes a later
// wait end early, which is harmless; a wake is never lost, since the one word
// orders it before begin_wait() or after it.
//
// Memory order: every edge is an acq_rel read-modify-write.
//   [woken] wake() -> begin_wait(), end_wait(): what the caller of wake() wrote
//           before, the holder sees after the poll. It holds also where wake()
//           changes nothing: it must not be shortened to a load.
//
// Threads: wake() by any; the other two by the holder of the reactor's role.
#ifndef EDDY_REACTOR_WAKE_STATE_H_
#define EDDY_REACTOR_WAKE_STATE_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/check.h"

namespace eddy::reactor {

class WakeState {
 public:
  enum class Duty : uint8_t { kNone, kWrite };

  [[nodiscard]] Duty wake() {
    // [woken] release
    return word_.exchange(kWoken, kAcqRel) == kWaiting ? Duty::kWrite
                                                       : Duty::kNone;
  }

  // False: somebody called wake() since the last poll.
  [[nodiscard]] bool begin_wait() {
    State awake = kAwake;
    // [woken] acquire
    if (word_.compare_exchange_strong(awake, kWaiting, kAcqRel,
                                      std::memory_order_relaxed)) {
      return true;
    }
    EDDY_DCHECK(awake == kWoken, "two threads poll one reactor");
    end_wait();
    return false;
  }

  // After a begin_wait() that answered true.
  void end_wait() { word_.exchange(kAwake, kAcqRel); }  // [woken] acquire

 private:
  enum State : uint8_t { kAwake, kWaiting, kWoken };
  static constexpr auto kAcqRel = std::memory_order_acq_rel;

  std::atomic<State> word_{kAwake};
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_WAKE_STATE_H_
