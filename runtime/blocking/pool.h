// Pool: threads for work that blocks: file system calls, getaddrinfo(), long
// computations. eddy::spawn_blocking() is its face to users.
//
//   eddy::blocking::Pool pool({.max_threads = 512});
//   auto handle = eddy::spawn_blocking_on(pool, [] { return slurp("a.txt"); });
//   ...
//   for (const auto& job : pool.shutdown(Clock::now() + 5s)) report(job);
//
// A job is a task (see task/cell.h) whose future runs the callable, so its join
// handle, its cancellation and its exceptions are those of any task. A thread
// is started only if a job waits and no thread is idle; the thread that went
// idle last is used first, and one that had no job for `keep_alive` ends.
//
// Threads: any; also the pool's own, from inside a job. shutdown() by one at a
//          time.
// Cancel:  a job that has not started can be cancelled, by abort() or by
//          shutdown(); one that runs cannot.
// Errors:  if a thread cannot be started, a job waits for one of those that
//          live; if there are none, it ends with ThreadCreationFailed, which
//          its joiner sees. A job that comes after shutdown() is cancelled.
// Owner:   the pool owns its threads. A thread that is stuck in a job at the
//          end of shutdown() is let go: it keeps alive what it touches.
#ifndef EDDY_RUNTIME_BLOCKING_POOL_H_
#define EDDY_RUNTIME_BLOCKING_POOL_H_

#include <memory>
#include <vector>

#include "runtime/blocking/blocking_class.h"
#include "runtime/blocking/options.h"
#include "runtime/blocking/places.h"
#include "runtime/context/current.h"
#include "runtime/task/header.h"

namespace eddy::blocking {

class Core;

// What a thread of the pool may be sent to do beside its jobs.
class Errand {
 public:
  virtual void run_errand() noexcept = 0;

 protected:
  ~Errand() = default;
};

class Pool {
 public:
  explicit Pool(Options options = {});
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  // shutdown(), if nobody called it, with a second for what still runs.
  ~Pool();

  // What context::current() says on the pool's threads, besides that they may
  // block. Call it before the first job. `keep` lives until the last thread has
  // ended: whatever a stuck job may still reach through the context.
  void set_context(const context::Current& current,
                   std::shared_ptr<const void> keep = nullptr);

  // For task::launch() of a Call, of a class or of none. The caller has taken a
  // place for it.
  task::Scheduler& scheduler() const;
  task::Scheduler& scheduler(const BlockingClass& kind) const;
  Places& places() const;

  // Takes no more jobs, cancels those that have not started, and waits until
  // those that run have ended or the deadline has passed. Returns the ones that
  // still run then. Called by a job, it does not wait for that job.
  std::vector<StuckJob> shutdown(Clock::time_point deadline);

  // After shutdown(): waits for those threads too that run errands.
  void join(Clock::time_point deadline);

  // For the scheduler, whose threads and ours change places (block_in_place).
  //
  // Has a thread run the errand, soon: one that is idle, or else a new one,
  // which does not count against max_threads. False if it can't be had, or
  // after shutdown().
  [[nodiscard]] bool send(Errand& errand);
  // The calling thread, which is not one of the pool's, takes jobs and errands
  // until there have been none for the keep-alive time. It returns at once if
  // the pool has as many threads as it may.
  void visit();

  Metrics metrics() const;

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_POOL_H_
