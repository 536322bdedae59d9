// Uring: operations in, results out, by one ring of io_uring.
//
//   uring.push(operation);  // its record is the ring's now
//   uring.flush();          // by the same thread, or by one that polls later
//   ...
//   uring.reap();           // by the holder of the reactor's role
//
// Submitting. push() is an inbox without a lock. flush() hands what came to the
// kernel in one system call; if another thread is in flush(), it leaves that to
// it, so many threads that submit at once become one batch. A thread that polls
// the reactor before it sleeps does not even flush: its next poll does, with
// all that came until then. So nobody waits, and nobody is woken.
//
//   [combine] No operation is forgotten: who adds something (push, a slot that
//   end() freed, close()) does so, and then looks at busy_; who has been busy
//   clears busy_, and then looks whether there is something. All seq_cst: one
//   of two that pass each other sees the other. After some rounds of that it
//   leaves the rest to the poller, and ends its wait: after busy_ is clear, so
//   that the poller, which flushes before it waits, is not told too early.
//
// In flight are never more than the completion queue holds; what is above that
// waits in the order in which it came. Completions of cancellations come on
// top: then the kernel keeps what has no room, and reap() fetches it.
//
// A cancellation that finds its operation nowhere, or at work, has not ended
// it: the kernel may be moving it from a thread to a list of those that wait.
// So it comes again, after 1 ms, 2 ms and so on up to a second, until the
// operation has ended.
//
// The kernel may cancel what nobody asked it to: the operations of a thread
// that ends, whichever thread's they are. Those are submitted once more.
//
// Threads: any. In reap() is one at a time: the holder of the reactor's role,
//          or whoever shuts down. No user code runs while a thread is busy.
// Errors:  what the kernel has no memory for goes to the blocking pool. After
//          close() all that comes ends with -ECANCELED.
// Owner:   shared by the reactor and pending futures. It may end only when
//          is_quiet(); until then the kernel writes to records and buffers.
#ifndef EDDY_REACTOR_URING_URING_H_
#define EDDY_REACTOR_URING_URING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reactor/event_fd.h"
#include "reactor/io_uring.h"
#include "reactor/operation.h"
#include "reactor/uring/flights.h"
#include "reactor/uring/operation_list.h"
#include "reactor/uring/ring.h"

namespace eddy::reactor {

class Uring : public std::enable_shared_from_this<Uring> {
 public:
  // Null if there is no ring; `status` says why.
  // `poller` ends the wait of who polls the reactor.
  static std::shared_ptr<Uring> create(const IoUringOptions& options,
                                       std::shared_ptr<EventFd> poller,
                                       IoUringStatus& status);

  Uring(std::unique_ptr<Ring> ring, std::shared_ptr<EventFd> poller);
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;
  ~Uring();

  int fd() const { return ring_->fd(); }

  // Also one that it has, whose future was dropped: for it to be cancelled.
  void push(Operation& operation) { inbox_.push(operation); }
  void flush();

  bool has_completions() const {
    return ring_->has_completions() || ring_->has_overflow();
  }
  // Ends what has completed, unless another thread is at it; returns how many
  // there were.
  size_t reap();

  // Takes no more, and has the kernel cancel what it has.
  void close();
  bool is_closed() const { return closed_.load(std::memory_order_seq_cst); }
  // The kernel has nothing of ours.
  bool is_quiet() const;
  // The names of what it still has.
  std::vector<std::string> in_flight_names();
  // Nobody reaps any more: a thread of its own does, until all is quiet.
  void abandon();

  void add_metrics(IoUringMetrics& metrics) const;

 private:
  // What work() leaves for settle(), when the thread is not busy any more.
  struct Leftovers {
    OperationList dead;       // end with -ECANCELED
    OperationList withdrawn;  // dropped before the kernel had them: both
    OperationList cancelled;  // their cancellations have run their course
    OperationList refused;    // by the kernel
    bool out_of_memory = false;
  };

  bool has_work() const;
  void work(Leftovers& left);
  void sort_inbox(Leftovers& left);
  void fill(Leftovers& left);
  bool fill_cancels(Leftovers& left);
  bool prepare_cancel(const Operation& operation);
  bool enter(Leftovers& left);
  void withdraw_all(Leftovers& left);
  void settle(Leftovers& left);

  bool begin_reaping();
  void end_reaping();
  void complete(const Ring::Completion& completion);
  bool try_again(Operation& operation, int64_t result);
  static void hand_to_pool(Operation& operation);
  void end_cancel(Operation& operation);

  const std::unique_ptr<Ring> ring_;
  const std::shared_ptr<EventFd> poller_;
  Inbox inbox_;
  Flights flights_;

  std::atomic<bool> busy_{false};     // a thread has what follows
  OperationList backlog_;             // waits for free slots
  OperationList cancels_;             // not yet handed over
  uint32_t swept_ = 0;                // slots cancelled by close()
  int rejections_ = 0;                // EBUSY in a row
  std::atomic<bool> starved_{false};  // the backlog is not empty
  std::atomic<bool> stalled_{false};  // completions have to be reaped first
  std::atomic<bool> unswept_{false};  // close() has slots to cancel

  std::atomic<bool> reaping_{false};  // [reap]

  std::atomic<bool> closed_{false};
  std::atomic<uint64_t> cancels_in_flight_{0};
  std::atomic<uint64_t> refused_in_flight_{0};  // on their way to the pool

  std::atomic<uint64_t> submitted_{0}, batches_{0}, largest_batch_{0};
  std::atomic<uint64_t> completed_{0}, cancel_count_{0}, retries_{0};
  std::atomic<uint64_t> overflows_{0}, refused_{0};
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_URING_URING_H_
