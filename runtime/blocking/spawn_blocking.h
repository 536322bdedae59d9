// spawn_blocking(): runs a callable that may block on a thread where that does
// no harm.
//
//   auto job = eddy::spawn_blocking([path] { return slurp(path); });
//   eddy::JoinResult<std::string> text = co_await job;
//
//   auto handle = eddy::spawn_blocking(compress, std::move(bytes), level);
//
// In two statements, as here: g++ 12 destroys a lambda with captures that is a
// temporary in a co_await expression twice.
//
// Threads: from inside a runtime: a task, a blocking job, block_on(), or after
//          Handle::enter(). spawn_blocking_on() from any thread.
// Cancel:  dropping the handle lets the job go on alone. abort() of a job that
//          has not started means that it never runs; one that runs goes on to
//          its end.
// Errors:  an exception of the callable is the joiner's. So is
//          eddy::blocking::ThreadCreationFailed, if the pool had no thread and
//          got none. After shutdown the handle says "cancelled".
// Owner:   the job keeps copies of the callable and its arguments, and destroys
//          them before the joiner is woken.
//
// Load that comes from outside is kept within bounds by
// Builder::max_blocking_queue() with
//
//   eddy::BlockingSlot slot = co_await eddy::reserve_blocking();  // waits
//   auto job = std::move(slot).spawn([path] { return slurp(path); });
//
//   auto maybe = eddy::try_spawn_blocking(resolve, host);  // or std::nullopt
//
// spawn_blocking() itself can't wait, and queues its job in any case.
//
// A job that waits for another job holds its thread meanwhile: with all
// max_blocking_threads waiting in that way, none is left for whom they wait
// for.
#ifndef EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_
#define EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/blocking/blocking_class.h"
#include "runtime/blocking/call.h"
#include "runtime/blocking/places.h"
#include "runtime/blocking/pool.h"
#include "runtime/context/current.h"
#include "runtime/task/cell.h"
#include "runtime/task/join_handle.h"

namespace eddy {

template <class F, class... Args>
using BlockingOutput =
    std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

template <class F, class... Args>
concept BlockingCallable =
    std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>;

namespace blocking {

// A place in the queue of a pool that is taken, until a job has it.
class HeldPlace {
 public:
  explicit HeldPlace(Places& places) : places_(&places) {}
  HeldPlace(HeldPlace&& other) noexcept
      : places_(std::exchange(other.places_, nullptr)) {}
  HeldPlace& operator=(HeldPlace&&) = delete;
  ~HeldPlace() {
    if (places_ != nullptr) places_->give();
  }

  void hand_over() { places_ = nullptr; }

 private:
  Places* places_;
};

// Starts a job, which has the place from then on.
template <class F, class... Args>
JoinHandle<BlockingOutput<F, Args...>> launch(task::Scheduler& scheduler,
                                              HeldPlace place, F&& callable,
                                              Args&&... args) {
  if constexpr (sizeof...(Args) == 0) {
    using Job = Call<std::decay_t<F>>;
    auto handle = task::launch(scheduler, Job(std::forward<F>(callable)));
    place.hand_over();
    return handle;
  } else {
    using Result = BlockingOutput<F, Args...>;
    auto bound = [callable = std::decay_t<F>(std::forward<F>(callable)),
                  args = std::tuple<std::decay_t<Args>...>(
                      std::forward<Args>(args)...)]() mutable -> Result {
      return std::apply(std::move(callable), std::move(args));
    };
    return launch(scheduler, std::move(place), std::move(bound));
  }
}

}  // namespace blocking

template <class F, class... Args>
requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
spawn_blocking_on(blocking::Pool& pool, F&& callable, Args&&... args) {
  pool.places().take();
  return blocking::launch(
      pool.scheduler(), blocking::HeldPlace(pool.places()),
      std::forward<F>(callable), std::forward<Args>(args)...);
}

// With a cap on how many of the class run at once.
template <class F, class... Args>
requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
spawn_blocking_on(blocking::Pool& pool, const BlockingClass& kind, F&& callable,
                  Args&&... args) {
  task::Scheduler& queue = pool.scheduler(kind);  // may be made, and throw
  pool.places().take();
  return blocking::launch(
      queue, blocking::HeldPlace(pool.places()), std::forward<F>(callable),
      std::forward<Args>(args)...);
}

template <class F, class... Args>
requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
spawn_blocking(F&& callable, Args&&... args) {
  return spawn_blocking_on(context::services("spawn_blocking()").blocking,
                           std::forward<F>(callable),
                           std::forward<Args>(args)...);
}

template <class F, class... Args>
requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
spawn_blocking(const BlockingClass& kind, F&& callable, Args&&... args) {
  return spawn_blocking_on(context::services("spawn_blocking()").blocking, kind,
                           std::forward<F>(callable),
                           std::forward<Args>(args)...);
}

// Empty if the queue is full, or others wait for room in it.
template <class F, class... Args>
requires BlockingCallable<F, Args...>
std::optional<JoinHandle<BlockingOutput<F, Args...>>> try_spawn_blocking(
    F&& callable, Args&&... args) {
  blocking::Pool& pool = context::services("try_spawn_blocking()").blocking;
  if (!pool.places().try_take()) return std::nullopt;
  return blocking::launch(
      pool.scheduler(), blocking::HeldPlace(pool.places()),
      std::forward<F>(callable), std::forward<Args>(args)...);
}

// The right to queue one job. Does not outlive its runtime.
class BlockingSlot {
 public:
  explicit BlockingSlot(blocking::Pool& pool)
      : pool_(&pool), place_(pool.places()) {}
  BlockingSlot(BlockingSlot&&) = default;

  template <class F, class... Args>
  requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
  spawn(F&& callable, Args&&... args) && {
    return blocking::launch(pool_->scheduler(), std::move(place_),
                            std::forward<F>(callable),
                            std::forward<Args>(args)...);
  }
  template <class F, class... Args>
  requires BlockingCallable<F, Args...> JoinHandle<BlockingOutput<F, Args...>>
  spawn(const BlockingClass& kind, F&& callable, Args&&... args) && {
    return blocking::launch(pool_->scheduler(kind), std::move(place_),
                            std::forward<F>(callable),
                            std::forward<Args>(args)...);
  }

 private:
  blocking::Pool* pool_;
  blocking::HeldPlace place_;
};

// The future of reserve_blocking().
class [[nodiscard]] ReserveBlocking {
 public:
  using Output = BlockingSlot;

  explicit ReserveBlocking(blocking::Pool& pool)
      : pool_(pool), wait_(pool.places()) {}

  Poll<BlockingSlot> poll(Context& cx) {
    if (!cx.has_budget()) return cx.yield();
    if (!wait_.poll(cx)) return kPending;
    cx.spend();
    return BlockingSlot(pool_);
  }

 private:
  blocking::Pool& pool_;
  blocking::Places::Wait wait_;
};

// Waits until there is room in the queue; first come, first served.
inline ReserveBlocking reserve_blocking() {
  return ReserveBlocking(context::services("reserve_blocking()").blocking);
}

// With a name, by which a job that is stuck at shutdown is reported.
template <class F>
requires std::is_invocable_v<std::decay_t<F>> JoinHandle<BlockingOutput<F>>
spawn_blocking_named(blocking::Pool& pool, std::string name, F&& callable) {
  using Call = blocking::Call<std::decay_t<F>>;
  pool.places().take();
  blocking::HeldPlace place(pool.places());
  auto handle = task::launch_named(pool.scheduler(), std::move(name),
                                   Call(std::forward<F>(callable)));
  place.hand_over();
  return handle;
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_
