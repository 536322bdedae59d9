#include "reactor/submission.h"

#include <cerrno>
#include <new>
#include <string_view>

#include "runtime/base/check.h"
#include "runtime/blocking/call.h"
#include "runtime/blocking/pool.h"
#include "runtime/context/current.h"
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

Poll<int64_t> SubmissionBase::poll(Context& cx) {
  EDDY_CHECK(operation_ != nullptr && progress_ != Progress::kReady,
             "an operation is awaited twice");
  if (!cx.has_budget()) return cx.yield();
  if (progress_ == Progress::kNew) start();
  OperationState& state = operation_->state_;
  if (!state.is_done() && state.reclaim()) {
    Waker latest = cx.waker();  // the one it replaces ends with the call
    std::swap(operation_->waker_, latest);
    if (state.offer_waker()) return kPending;
  }
  // If not yet, its end is a few instructions away.
  if (!state.is_done()) return cx.yield();
  cx.spend();
  progress_ = Progress::kReady;
  return operation_->result_;
}

void SubmissionBase::start() {
  const context::Services& services = context::services("a file operation");
  run_on_pool(services.blocking);
}

void SubmissionBase::run_on_pool(blocking::Pool& pool) {
  using Job = task::Cell<PoolRun, JobName>;
  task::Header* job = new Job(pool.scheduler(), PoolRun(*operation_),
                              JobName(operation_->name()));
  const JoinHandle<void> handle(*job);
  progress_ = Progress::kPending;
  job->launch();
}

void SubmissionBase::drop() noexcept {
  if (progress_ != Progress::kPending) {
    delete operation_;
    return;
  }
  OperationState& state = operation_->state_;
  Waker unused;
  if (state.reclaim()) std::swap(operation_->waker_, unused);
  if (state.drop(OperationState::IfStarted::kLetRun) ==
      OperationState::Drop::kDestroy) {
    operation_->discard(operation_->result_);
    delete operation_;
  }
}

Operation* SubmissionBase::operation() const {
  EDDY_CHECK(operation_ != nullptr && progress_ != Progress::kPending,
             "the record of an operation that is pending, or was taken");
  return operation_;
}

Operation* SubmissionBase::release() {
  Operation* record = operation();
  operation_ = nullptr;
  return record;
}

}  // namespace eddy::reactor
