// Watchdog: a thread that notices polls which last too long, and reports them.
//
// The cores need not do anything for it: it reads what they count anyway. Four
// times per threshold it looks at each core's number of turns and running task;
// if both are as they were a threshold ago, the poll has lasted that long. So
// what lasts a quarter longer than the threshold is found for certain, and no
// clock is read and nothing written for a poll. When nothing has run for some
// looks and all cores sleep, the watchdog sleeps without a time-out, and the
// first core that wakes up wakes it:
//
//   [doze] the watchdog says that it sleeps, then counts the cores that are
//   awake; a core counts itself as awake, then looks whether the watchdog
//   sleeps. Both seq_cst, so that one sees the other.
//
// A poll that lasts is interrupted once, by a signal (stack_sampler.h), which
// copies its stack; symbols are looked up here. A call that the poll is just in
// may therefore end with EINTR where SA_RESTART does not help: poll(),
// usleep().
//
// Each place is reported once: the innermost coroutine, or future, that the
// runtime has resumed, and the call in it that has not come back. What that
// call is doing when we look, deep inside of a parser for instance, changes
// from look to look, and does not make another place of it.
//
// Threads: one of its own, which also calls the hook; begin_sleep() and
//          end_sleep() by cores; stop() by any one.
// Errors:  exceptions of the hook go to `unhandled`.
// Owner:   the scheduler; its thread keeps that alive.
#ifndef EDDY_RUNTIME_SCHEDULER_WATCHDOG_H_
#define EDDY_RUNTIME_SCHEDULER_WATCHDOG_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "runtime/base/mutex.h"
#include "runtime/base/stack_trace.h"
#include "runtime/base/symbols.h"
#include "runtime/base/thread.h"
#include "runtime/scheduler/blocked_poll.h"
#include "runtime/task/id.h"

namespace eddy::scheduler {

// What a core does, at one moment.
struct CoreLook {
  uint64_t turn = 0;  // grows with each poll
  TaskId task;
  bool is_at_a_poll = false;
  pid_t thread = 0;
};

// Where a stack is stuck: see above. `names` are those of the frames.
uintptr_t place_of(std::span<const base::StackTrace::Frame> frames,
                   std::span<const std::string> names);

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  // The cores that are watched.
  class Cores {
   public:
    // By any thread, and in signal handlers: async-signal-safe.
    virtual CoreLook look_at_core(std::size_t core) const noexcept = 0;

   protected:
    ~Cores() = default;
  };

  struct Options {
    std::chrono::nanoseconds threshold;
    std::size_t cores;
    std::function<void(const BlockedPoll&)> report;  // unset: to stderr
    std::function<void(std::exception_ptr)> unhandled;
  };

  Watchdog(const Cores& cores, Options options);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // `keep`: what its thread keeps alive.
  absl::Status start(std::shared_ptr<const void> keep);
  // Waits for the hook, if it is in it, until the deadline.
  void stop(Clock::time_point deadline);

  // A core goes to sleep, or is held by no thread, and the reverse. They start
  // as sleeping.
  void begin_sleep() { awake_.fetch_sub(1, std::memory_order_seq_cst); }
  void end_sleep() {
    awake_.fetch_add(1, std::memory_order_seq_cst);  // [doze]
    if (dozes_.load(std::memory_order_seq_cst)) [[unlikely]]
      rouse();
  }

  // Polls that have lasted too long.
  uint64_t blocked_polls() const {
    return blocked_polls_.load(std::memory_order_relaxed);
  }

 private:
  class Interrogation;

  struct Seen {
    CoreLook look;
    Clock::time_point since;
    bool is_counted = false;
  };

  void run();
  void doze() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void rouse();
  bool look_at_all();
  bool look_at(std::size_t core);
  std::optional<BlockedPoll> examine(std::size_t core, const Seen& seen,
                                     Clock::time_point now);
  bool is_new(uintptr_t place);
  void report(const BlockedPoll& poll);

  const Cores& cores_;
  const Options options_;
  const std::chrono::nanoseconds interval_;

  std::atomic<int64_t> awake_{0};
  std::atomic<bool> dozes_{false};
  std::atomic<uint64_t> blocked_polls_{0};

  // Of its thread:
  std::vector<Seen> seen_;
  std::set<uintptr_t> places_;
  base::Symbols symbols_;

  base::Mutex mutex_;
  base::CondVar changed_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;
  base::Thread thread_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_WATCHDOG_H_
