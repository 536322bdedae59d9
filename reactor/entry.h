// Entry: what the reactor keeps of one registered fd: for each direction what
// is known of it, and the one future that waits for it. One cache line in a
// slab, whose memory stays while the reactor lives; the kernel's events name an
// entry by index and generation (Token).
//
// Events in flight: the holder of the reactor's role may have harvested an
// event of an fd that another thread deregisters, or even registers anew with
// the same entry. The generation changes with each deregistration, under the
// lock under which an event is delivered: an event that is out of date does
// nothing, and wakes nobody.
//
// No wake is lost: a waiter looks at the readiness once more under the lock
// under which it leaves its waker. So either deliver() came before, and the
// waiter sees READY, or it comes later, and finds the waker. deliver() takes
// the waiter out of the slot *before* it sets READY: who was in the slot, and
// then sees READY, knows without the lock that it is in no longer.
//
// Threads: open() and close() by the owner of the fd, deliver() by the holder
//          of the reactor's role, wait() and leave() by the task that waits.
#ifndef EDDY_REACTOR_ENTRY_H_
#define EDDY_REACTOR_ENTRY_H_

#include <array>
#include <cstdint>

#include "reactor/readiness.h"
#include "reactor/wake_batch.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/waker.h"

namespace eddy::reactor {

// What epoll hands back with each event.
struct Token {
  uint32_t index;
  uint32_t generation;
};

class alignas(64) Entry {
 public:
  Entry() = default;

  // For a new fd; returns the generation. `assume_ready`: a system call is
  // worth trying before the first event.
  uint32_t open(bool assume_ready);
  // From now on, events of the fd that was open are out of date. Nobody waits.
  void close();

  // An event of `generation`: `epoll_events` as from epoll_wait(). Adds to
  // `woken` who waited for it. False if it is out of date.
  bool deliver(uint32_t generation, uint32_t epoll_events, WakeBatch& woken);

  // Both directions are ready for good, for their waiters to see is_shutdown().
  void shut_down(WakeBatch& woken);

  ReadinessWord& readiness(Direction direction) {
    return side(direction).readiness;
  }

  // Leaves a copy of `waker` in the slot of `direction`, in the name of
  // `waiter`, or replaces the one that it left before. False if the direction
  // has become ready: then the slot is empty. A slot that another waiter has is
  // misuse.
  [[nodiscard]] bool wait(Direction direction, const void* waiter,
                          const Waker& waker);
  // `waiter` waits no longer.
  void leave(Direction direction, const void* waiter);

 private:
  struct Side {
    ReadinessWord readiness;
    // Guarded by lock_:
    Waker waker;
    const void* waiter = nullptr;  // null: the slot is empty
  };

  Side& side(Direction direction) {
    return sides_[direction == Direction::kRead ? 0 : 1];
  }
  static void take_waiter(Side& side, WakeBatch& woken);

  base::SpinLock lock_;
  uint32_t generation_ ABSL_GUARDED_BY(lock_) = 0;
  std::array<Side, 2> sides_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_ENTRY_H_
