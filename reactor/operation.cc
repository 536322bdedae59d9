#include "reactor/operation.h"

#include <utility>

#include "runtime/task/frame_pool.h"

namespace eddy::reactor {

void* Operation::operator new(std::size_t size) {
  return task::frame_pool::allocate(size);
}

void Operation::operator delete(void* memory, std::size_t size) noexcept {
  task::frame_pool::deallocate(memory, size);
}

bool Operation::start() noexcept {
  if (state_.start()) return true;
  finish(-ECANCELED);
  return false;
}

void Operation::finish(int64_t result) noexcept {
  const OperationState::Ending ending = state_.begin_end();
  Waker waker;
  if (ending.has_waker) waker = std::move(waker_);
  result_ = result;
  if (ending.is_dropped) discard(result);
  const OperationState::End end = state_.end();
  if (!end.is_dropped) {
    std::move(waker).wake();
    return;
  }
  if (!ending.is_dropped) discard(result);
  if (end.must_destroy) delete this;
}

void Operation::end_cancel() noexcept {
  if (state_.end_cancel()) delete this;
}

}  // namespace eddy::reactor
