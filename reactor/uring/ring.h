// Ring: one instance of io_uring: its set-up, its two queues, and what it can
// do. All of it by the seam's system calls (runtime/base/sys.h); liburing gives
// the layout and the queues' inline functions, and no other target sees it.
//
// Two sides, each by one thread at a time, but not by the same: the submitter
// fills the submission queue and enters the kernel, the reaper empties the
// completion queue.
//
// A plain ring, without IORING_SETUP_SINGLE_ISSUER, since the reactor's role
// moves between threads.
//
// Threads: as above; the rest by any.
// Errors:  open() says why there is no ring, or none that is good enough.
// Owner:   what the submissions point at is others', and outlives their
//          completions: the end of a Ring does not wait for them.
#ifndef EDDY_REACTOR_URING_RING_H_
#define EDDY_REACTOR_URING_RING_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "reactor/io_uring.h"
#include "reactor/operation.h"

struct io_uring;
struct io_uring_params;

namespace eddy::reactor {

class Ring {
 public:
  struct Completion {
    uint64_t ticket;
    int64_t result;
  };

  Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  IoUringStatus open(const IoUringOptions& options);

  int fd() const;
  uint32_t completion_entries() const;

  // The submitter's. False: the submission queue is full.
  [[nodiscard]] bool prepare(const Sqe& sqe, uint64_t ticket);
  [[nodiscard]] bool prepare_cancel(uint64_t target, uint64_t ticket);
  // After 2^doublings ms, 10 at most; until then the kernel has it. Whose
  // ticket is `wait_ticket` completes, too.
  [[nodiscard]] bool prepare_late_cancel(uint64_t target, uint64_t ticket,
                                         uint32_t doublings,
                                         uint64_t wait_ticket);
  bool has_room() const;
  // How many the kernel has not taken yet.
  uint32_t prepared() const;
  // Hands them over; returns how many it took, or the negative errno.
  int submit();
  // Takes back the one that was prepared last; its ticket.
  uint64_t retract();

  // The reaper's. Fills the front of `into`, and returns how many there were.
  size_t reap(std::span<Completion> into);
  bool has_completions() const;
  // The completion queue was full once: there are more in the kernel.
  bool has_overflow() const;
  // Has the kernel put them into the queue, as far as there is room. Waits
  // until there is a completion, if `wait`. A signal ends it.
  void fetch(bool wait);

 private:
  bool map(const io_uring_params& params);
  bool probe(IoUringStatus& status);

  const std::unique_ptr<io_uring> ring_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_RING_H_
