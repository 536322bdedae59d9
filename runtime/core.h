// RuntimeCore: the parts of one runtime, put together: clock, reactor, timers,
// blocking pool and scheduler.
//
// Threads: any.
// Owner:   shared by the Runtime, its Handles and its threads; a thread that is
//          stuck at shutdown keeps alive what it may touch.
#ifndef EDDY_RUNTIME_CORE_H_
#define EDDY_RUNTIME_CORE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "reactor/reactor.h"
#include "runtime/base/mutex.h"
#include "runtime/blocking/pool.h"
#include "runtime/context/current.h"
#include "runtime/metrics.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/flavor.h"
#include "runtime/time/clock.h"
#include "runtime/time/timers.h"

namespace eddy {

class Builder;

class RuntimeCore : public std::enable_shared_from_this<RuntimeCore> {
 public:
  static absl::StatusOr<std::shared_ptr<RuntimeCore>> create(
      const Builder& builder);
  RuntimeCore(const RuntimeCore&) = delete;
  RuntimeCore& operator=(const RuntimeCore&) = delete;
  ~RuntimeCore();

  scheduler::Flavor& scheduler() { return *scheduler_; }
  blocking::Pool& blocking() { return blocking_; }
  bool is_current_thread() const { return is_current_thread_; }
  // What code inside this runtime sees.
  const context::Current& context() const { return here_; }
  // That of the first reactor; the others' are made like it.
  IoUringStatus io_uring_status() const {
    return reactors_.front()->io_uring_status();
  }
  RuntimeMetrics metrics() const;

  // Ends everything, within the deadline, once; later calls do nothing. What
  // did not end is named.
  std::vector<std::string> shutdown(scheduler::Deadline deadline);

 private:
  RuntimeCore(const Builder& builder, uint32_t workers,
              std::vector<std::unique_ptr<reactor::Reactor>> reactors);
  absl::Status start();

  const bool is_current_thread_;
  const bool reactor_assists_;
  const std::vector<std::unique_ptr<reactor::Reactor>> reactors_;
  time::Clock clock_;
  time::Timers timers_;
  scheduler::Drivers drivers_;  // one for each reactor
  const std::unique_ptr<scheduler::Flavor> scheduler_;
  blocking::Pool blocking_;
  const context::Services services_;
  context::Current here_;
  std::atomic<bool> shut_down_{false};
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_CORE_H_
