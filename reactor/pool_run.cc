#include "reactor/pool_run.h"

#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "runtime/blocking/call.h"
#include "runtime/task/cell.h"

namespace eddy::reactor {

// The job of the blocking pool that carries an operation out.
class PoolRun {
 public:
  using Output = void;

  explicit PoolRun(Operation& operation) : operation_(&operation) {}
  PoolRun(PoolRun&& other) noexcept
      : operation_(std::exchange(other.operation_, nullptr)) {}
  PoolRun& operator=(PoolRun&&) = delete;
  ~PoolRun() {  // of a job that will not run
    if (operation_ != nullptr) operation_->finish(-ECANCELED);
  }

  Poll<void> poll(Context&) {
    Operation& operation = *std::exchange(operation_, nullptr);
    if (const int error = refusal(); error != 0) {
      operation.finish(-error);
    } else if (operation.start()) {
      operation.finish(operation.perform());
    }
    return kReady;
  }

 private:
  // An errno if the pool could not take the job, else 0.
  static int refusal() {
    try {
      blocking::throw_if_refused();
      return 0;
    } catch (const blocking::ThreadCreationFailed& failure) {
      return failure.error();
    } catch (const std::bad_alloc&) {
      return ENOMEM;
    }
  }

  Operation* operation_;
};

namespace {

// A literal, as the name of a task.
class JobName {
 public:
  explicit JobName(const char* name) : name_(name) {}
  operator std::string_view() const { return name_; }

 private:
  const char* name_;
};

}  // namespace

void run_on_pool(blocking::Pool& pool, Operation& operation) {
  using Job = task::Cell<PoolRun, JobName>;
  task::Header* job =
      new Job(pool.scheduler(), PoolRun(operation), JobName(operation.name()));
  const JoinHandle<void> handle(*job);
  pool.places().take();  // it can't wait for one
  job->launch();
}

}  // namespace eddy::reactor
