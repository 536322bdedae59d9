// Handle: a way into a runtime from anywhere: spawn, block_on, enter.
//
//   eddy::Handle handle = runtime.handle();
//   std::thread([handle] { handle.spawn(send_report()); }).join();
//
// Threads: any; a copy is a counted reference.
// Cancel:  see JoinHandle.
// Errors:  after the runtime has shut down, spawned tasks and jobs are
//          cancelled at once. Handle::current() outside of a runtime is misuse.
// Owner:   keeps the runtime's memory, not its threads.
#ifndef EDDY_RUNTIME_HANDLE_H_
#define EDDY_RUNTIME_HANDLE_H_

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "runtime/blocking/spawn_blocking.h"
#include "runtime/context/current.h"
#include "runtime/core.h"
#include "runtime/task/callable.h"
#include "runtime/task/cell.h"
#include "runtime/task/join_handle.h"

namespace eddy {

class Handle {
 public:
  // Of the runtime around the caller: inside a task, a blocking job,
  // block_on(), or an enter() in force.
  static Handle current();
  static std::optional<Handle> try_current();

  // Starts a task. `future`: a Future by value, or a callable that makes one
  // and is kept as long as it.
  template <task::Spawnable S>
  auto spawn(S&& future) const {
    return task::launch(core_->scheduler(),
                        task::into_future(std::forward<S>(future)));
  }
  template <task::Spawnable S>
  auto spawn_named(std::string name, S&& future) const {
    return task::launch_named(core_->scheduler(), std::move(name),
                              task::into_future(std::forward<S>(future)));
  }

  template <class F, class... Args>
  auto spawn_blocking(F&& callable, Args&&... args) const {
    return spawn_blocking_on(core_->blocking(), std::forward<F>(callable),
                             std::forward<Args>(args)...);
  }

  // Runs `future` on this thread until it is ready, and returns or throws what
  // it does. Not inside a task: that would block the tasks behind it.
  template <task::Spawnable S>
  OutputOf<task::FutureOf<S>> block_on(S&& future) const;

  // While the guard lives, this thread is inside the runtime: sleep(),
  // TcpStream and eddy::spawn() find it.
  class EnterGuard;
  [[nodiscard]] EnterGuard enter() const;

  // For what starts tasks of its own kinds, as JoinSet does.
  task::Scheduler& scheduler() const { return core_->scheduler(); }

  RuntimeMetrics metrics() const { return core_->metrics(); }
  IoUringStatus io_uring_status() const { return core_->io_uring_status(); }

 private:
  friend class Runtime;
  explicit Handle(std::shared_ptr<RuntimeCore> core) : core_(std::move(core)) {}

  std::shared_ptr<RuntimeCore> core_;
};

class Handle::EnterGuard {
 public:
  EnterGuard(const EnterGuard&) = delete;
  EnterGuard& operator=(const EnterGuard&) = delete;

 private:
  friend class Handle;
  explicit EnterGuard(std::shared_ptr<RuntimeCore> core)
      : core_(std::move(core)), enter_(context_of(*core_)) {}

  // A thread that polls for one runtime must not block for another either.
  static context::Current context_of(const RuntimeCore& core) {
    context::Current here = core.context();
    here.is_polling = context::current().is_polling;
    return here;
  }

  std::shared_ptr<RuntimeCore> core_;
  context::Enter enter_;
};

namespace scheduler {

// The future of a block_on(), and the place of its value.
template <Future F>
class TypedMainFuture final : public MainFuture {
 public:
  explicit TypedMainFuture(F& future) : future_(future) {}

  bool poll(Context& cx) override {
    std::construct_at(&result_, future_.poll(cx));
    return result_.is_ready();
  }
  OutputOf<F> take() { return *std::move(result_); }

 private:
  F& future_;
  Poll<OutputOf<F>> result_ = kPending;
};

}  // namespace scheduler

template <task::Spawnable S>
OutputOf<task::FutureOf<S>> Handle::block_on(S&& spawnable) const {
  // First, so that the future is destroyed inside the runtime too.
  EnterGuard guard(core_);
  auto future = task::into_future(std::forward<S>(spawnable));
  scheduler::TypedMainFuture main(future);
  core_->scheduler().block_on(main);
  return main.take();
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_HANDLE_H_
