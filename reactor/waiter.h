// Waiter: the part of a leaf future that waits for one direction of an fd.
//
//   Poll<ssize_t> poll(Context& cx) {  // of a future with a `Waiter waiter_`
//     return waiter_.poll_io(cx, size, [&] {
//       return sys().recv(fd, into, size, 0);
//     });
//   }
//
// The system call is tried first unless it is known that it would find nothing;
// the kernel's edge is awaited only after EAGAIN.
//
// Threads: belongs to one task, which may move between threads. Only one Waiter
//          may be pending for each direction of an fd: a second one is misuse,
//          and ends the process. It goes by Waiter and not by waker, so a
//          future that is polled by another task or with another waker than
//          before, or is dropped and made anew, is all right.
// Cancel:  destroying it takes its waker out of the reactor.
// Owner:   borrows the Registration.
#ifndef EDDY_REACTOR_WAITER_H_
#define EDDY_REACTOR_WAITER_H_

#include <sys/types.h>

#include <cerrno>
#include <cstddef>

#include "reactor/readiness.h"
#include "reactor/registration.h"
#include "runtime/base/check.h"
#include "runtime/task/context.h"
#include "runtime/task/poll.h"

namespace eddy::reactor {

class Waiter {
 public:
  Waiter(const Registration& registration, Direction direction)
      : entry_(registration.entry_), direction_(direction) {}

  // Before it is first polled, so that futures can be handed to combinators:
  // afterwards the reactor knows its address.
  Waiter(Waiter&& other) noexcept
      : entry_(other.entry_), direction_(other.direction_) {
    EDDY_CHECK(!other.in_slot_, "a future that waits for IO was moved");
  }
  Waiter& operator=(Waiter&&) = delete;
  ~Waiter() {
    if (in_slot_) leave();
  }

  // Ready when a system call is worth trying.
  Poll<Readiness> poll_ready(Context& cx);

  // The system call found nothing; `seen` is what poll_ready() said before it.
  // Does nothing if the kernel has reported this direction since.
  void clear(Readiness seen);

  // Makes `call`, which answers as a system call does, when it is worth trying,
  // until it has something to say: its result, or the negative errno, as the
  // kernel has it. -ECANCELED: the reactor has shut down. EINTR and EAGAIN are
  // dealt with. A transfer of fewer than `wanted` bytes is taken for all that
  // there is until the next edge: pass 0 where that is not so.
  template <class Call>
  Poll<ssize_t> poll_io(Context& cx, size_t wanted, Call call) {
    if (!cx.has_budget()) return cx.yield();
    for (;;) {
      Poll<Readiness> ready = poll_ready(cx);
      if (ready.is_pending()) return kPending;
      if (ready->is_shutdown()) return ssize_t{-ECANCELED};
      const ssize_t result = attempt(*ready, wanted, call);
      if (result == -EAGAIN) continue;
      cx.spend();
      return result;
    }
  }

  // The same without waiting; -EAGAIN: `call` is not worth trying, or found
  // nothing.
  template <class Call>
  ssize_t try_io(size_t wanted, Call call) {
    const Readiness seen = readiness();
    if (!seen.is_ready()) return -EAGAIN;
    if (seen.is_shutdown()) return -ECANCELED;
    return attempt(seen, wanted, call);
  }

 private:
  template <class Call>
  ssize_t attempt(Readiness seen, size_t wanted, Call& call) {
    ssize_t result;
    do {
      result = call();
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
      const int error = errno;
      if (error == EAGAIN) clear(seen);
      return -error;
    }
    const bool is_short = result > 0 && static_cast<size_t>(result) < wanted;
    if (is_short && !seen.has_more()) clear(seen);
    return result;
  }

  Readiness readiness() const;
  void leave();

  Entry* const entry_;
  const Direction direction_;
  bool in_slot_ = false;  // perhaps: the reactor empties the slot by itself
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_WAITER_H_
