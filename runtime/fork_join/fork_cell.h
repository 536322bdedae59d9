// ForkCell: a child of a fork_join that has to wait, or children of it that
// nobody has begun, as a scheduler and wakers know them: a task without a join
// handle that is on no list of live tasks.
//
// It does not own its child, which lives in the frame of the fork_join; the
// lock of fork().stripe() says whether that is still there:
//
//   fork_   is_polling_  meaning
//   ------  -----------  --------------------------------------------------
//   a fork  false        in the list of `fork_`: suspended, or queued
//   a fork  true         being polled; `fork_` stays until the end of the poll
//   null    false        over: the child has ended, or the fork was dropped
//
// References: those of a task; the list's is that of the join handle.
//
// Threads: as a Header. Owner: its references.
#ifndef EDDY_RUNTIME_FORK_JOIN_FORK_CELL_H_
#define EDDY_RUNTIME_FORK_JOIN_FORK_CELL_H_

#include <cstddef>
#include <cstdint>

#include "runtime/fork_join/fork_base.h"
#include "runtime/task/frame_pool.h"
#include "runtime/task/header.h"

namespace eddy::forks {

class ForkCell final : public task::Header {
 public:
  // `frame` is being polled by the caller, in place.
  static ForkCell& create_polling(ForkBase& fork, uint64_t branch,
                                  task::PromiseBase& frame);
  // Queued, to run `branches`.
  static void create_postponed(ForkBase& fork, uint64_t branches);

  static void* operator new(std::size_t size) {
    return task::frame_pool::allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    task::frame_pool::deallocate(memory, size);
  }

  // Borrowed.
  const Waker& waker() const { return waker_; }
  // The poll in place is over.
  void leave(bool ended, bool wake_requested) noexcept;

  // For the fork's drop: under the lock, takes the fork away from a cell that
  // nobody polls; then, without it, ends the cell, and says how many children
  // it stood for.
  [[nodiscard]] bool take_fork();
  int64_t end_dropped(ForkBase& fork) noexcept;

  ForkCell* next = nullptr;  // in the fork's list
  ForkCell** slot = nullptr;

 private:
  ForkCell(task::Scheduler& scheduler, ForkBase& fork, uint64_t branches,
           task::PromiseBase* frame);
  ~ForkCell() { std::move(waker_).leak(); }

  bool poll_future(Context& cx) noexcept override;
  void run_postponed(ForkBase& fork) noexcept;
  bool stop_polling(ForkBase& fork, bool ended);
  void end_child(ForkBase& fork, bool ended) noexcept;
  void cancel_future() noexcept override;
  int64_t drop_children(ForkBase& fork) noexcept;
  void* outcome() noexcept override { return nullptr; }
  std::exception_ptr destroy_outcome() noexcept override { return nullptr; }
  void destroy() noexcept override { delete this; }

  Stripe& stripe_;
  ForkBase* fork_;
  const uint64_t branches_;
  task::PromiseBase* const frame_;  // null: postponed
  bool is_polling_;
  Waker waker_;  // of this cell, without a reference
};

}  // namespace eddy::forks

#endif  // EDDY_RUNTIME_FORK_JOIN_FORK_CELL_H_
