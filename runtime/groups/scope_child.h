// ScopeChild: a task of a scope. Who may touch its future is not settled by the
// task's state alone, since a scope that is dropped destroys the futures of
// tasks that wait in a queue, without waiting for their turns:
//
//   bits: BUSY, STOPPED
//
//   from  by             to              then
//   ----  -------------  --------------  --------------------------------------
//   idle  begin()        BUSY            poll or destroy the future
//   BUSY  pause()        idle            the poll was pending
//   idle  stop()         STOPPED         the future is the caller's to destroy
//   BUSY  stop()         BUSY, STOPPED   the caller waits for the end
//   BUSY, pause()        (fails)         destroy the future, and say so
//     STOPPED
//   STOPPED  begin()     (fails)         the future is gone, or going
//
// Who is BUSY and finds the future ready, or the task cancelled, destroys it,
// and takes the child out of the scope's list afterwards: so the list of a
// scope that is being dropped has those whose polls are in progress.
//
// References: those of a task; the list's is that of the join handle.
//
// Memory order: [poll] every edge is acq_rel: what one poll wrote, the next one
// sees, and whoever destroys the future.
//
// Threads: as a Header. Owner: its references.
#ifndef EDDY_RUNTIME_GROUPS_SCOPE_CHILD_H_
#define EDDY_RUNTIME_GROUPS_SCOPE_CHILD_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <utility>

#include "runtime/task/frame_pool.h"
#include "runtime/task/future.h"
#include "runtime/task/header.h"

namespace eddy {

class Scope;

namespace groups {

class ScopeChild : public task::Header {
 public:
  enum class End : uint8_t { kPolled, kCancelled };

 protected:
  ScopeChild(task::Scheduler& scheduler, Scope& scope)
      : Header(scheduler), scope_(scope) {}
  ~ScopeChild() = default;

  // True when it is ready. May throw.
  virtual bool poll_child(Context& cx) = 0;
  // May throw.
  virtual void destroy_child() = 0;

 private:
  friend class eddy::Scope;

  bool begin();
  bool pause();
  // True: the future is the caller's.
  bool stop();
  // Destroys the future. What its destructor throws is `error`, unless there is
  // one.
  void destroy_child(std::exception_ptr& error) noexcept;
  // Ends a child that was not launched.
  void discard() noexcept;

  bool poll_future(Context& cx) noexcept final;
  void cancel_future() noexcept final;
  void* outcome() noexcept final { return nullptr; }
  std::exception_ptr destroy_outcome() noexcept final { return nullptr; }

  static constexpr uint8_t kBusy = 1, kStopped = 2;

  Scope& scope_;
  // The place in a list of the scope, and whether that aborted it; guarded by
  // its mutex.
  ScopeChild* next_ = nullptr;
  ScopeChild** slot_ = nullptr;
  bool is_aborted_ = false;
  std::atomic<uint8_t> word_{0};
};

template <Future F>
class TypedScopeChild final : public ScopeChild {
 public:
  TypedScopeChild(task::Scheduler& scheduler, Scope& scope, F future)
      : ScopeChild(scheduler, scope), future_(std::move(future)) {}

  static void* operator new(std::size_t size) {
    static_assert(alignof(TypedScopeChild) <= 16,
                  "an over-aligned future is spawned: "
                  "keep it behind a std::unique_ptr");
    return task::frame_pool::allocate(size);
  }
  static void operator delete(void* memory, std::size_t size) noexcept {
    task::frame_pool::deallocate(memory, size);
  }

 private:
  ~TypedScopeChild() {}  // the future is gone by now

  bool poll_child(Context& cx) override { return future_.poll(cx).is_ready(); }
  void destroy_child() override { std::destroy_at(&future_); }
  void destroy() noexcept override { delete this; }

  union {
    F future_;
  };
};

}  // namespace groups
}  // namespace eddy

#endif  // EDDY_RUNTIME_GROUPS_SCOPE_CHILD_H_
