#include "reactor/submission.h"

#include <utility>

#include "reactor/pool_run.h"
#include "reactor/reactor.h"
#include "reactor/uring/uring.h"
#include "runtime/base/check.h"
#include "runtime/context/current.h"

namespace eddy::reactor {

SubmissionBase::SubmissionBase(Operation* operation, Prefer prefer)
    : operation_(operation), prefer_(prefer) {
  operation->state_.reset();
}

SubmissionBase::SubmissionBase(SubmissionBase&& other) noexcept
    : operation_(std::exchange(other.operation_, nullptr)),
      uring_(std::move(other.uring_)),
      prefer_(other.prefer_),
      progress_(other.progress_) {}

SubmissionBase::~SubmissionBase() {
  if (operation_ != nullptr) drop();
}

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
  uring_.reset();
  return operation_->result_;
}

// Where a runtime has several, threads don't meet at one: a thread that polls a
// reactor gives to its ring, which takes all in a batch, and the others go by
// their numbers.
std::shared_ptr<Uring> SubmissionBase::ring_of_thread(
    const context::Services& services, Opcode opcode) {
  const context::Current& here = context::current();
  if (here.polled != nullptr) return here.polled->uring(opcode);
  return services.reactor.uring_in_group(opcode, here.shard);
}

void SubmissionBase::start() {
  const context::Services& services = context::services("a file operation");
  if (prefer_ == Prefer::kRing) {
    operation_->sqe_ = operation_->submission();
    operation_->pool_ = &services.blocking;
    uring_ = ring_of_thread(services, operation_->sqe_.opcode);
  }
  if (uring_ == nullptr) {
    run_on_pool(services.blocking, *operation_);
    progress_ = Progress::kPending;
    return;
  }
  progress_ = Progress::kPending;
  uring_->push(*operation_);
  flush_soon(*uring_);
}

void SubmissionBase::drop() noexcept {
  if (progress_ != Progress::kPending) {
    delete operation_;
    return;
  }
  OperationState& state = operation_->state_;
  Waker unused;
  if (state.reclaim()) std::swap(operation_->waker_, unused);
  switch (state.drop(uring_ != nullptr ? OperationState::IfStarted::kCancel
                                       : OperationState::IfStarted::kLetRun)) {
    case OperationState::Drop::kNothing:
      break;
    case OperationState::Drop::kCancel:
      uring_->push(*operation_);
      flush_soon(*uring_);
      break;
    case OperationState::Drop::kDestroy:
      operation_->discard(operation_->result_);
      delete operation_;
      break;
  }
}

// A thread that polls the reactor before it sleeps makes one batch of all that
// its tasks hand over until then.
void SubmissionBase::flush_soon(Uring& uring) {
  const reactor::Reactor* const polled = context::current().polled;
  const bool polls_it = polled != nullptr && polled->has(uring);
  if (!polls_it || uring.is_closed()) uring.flush();
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
