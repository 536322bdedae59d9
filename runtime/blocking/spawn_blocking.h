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
// A job that waits for another job holds its thread meanwhile: with all
// max_blocking_threads waiting in that way, none is left for whom they wait
// for.
#ifndef EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_
#define EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/blocking/call.h"
#include "runtime/blocking/pool.h"
#include "runtime/context/current.h"
#include "runtime/task/cell.h"
#include "runtime/task/join_handle.h"

namespace eddy {

template <class F, class... Args>
using BlockingOutput =
    std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

template <class F, class... Args>
requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
    JoinHandle<BlockingOutput<F, Args...>> spawn_blocking_on(
        blocking::Pool& pool, F&& callable, Args&&... args) {
  if constexpr (sizeof...(Args) == 0) {
    using Call = blocking::Call<std::decay_t<F>>;
    return task::launch(pool.scheduler(), Call(std::forward<F>(callable)));
  } else {
    using Result = BlockingOutput<F, Args...>;
    auto bound = [callable = std::decay_t<F>(std::forward<F>(callable)),
                  args = std::tuple<std::decay_t<Args>...>(
                      std::forward<Args>(args)...)]() mutable -> Result {
      return std::apply(std::move(callable), std::move(args));
    };
    using Call = blocking::Call<decltype(bound)>;
    return task::launch(pool.scheduler(), Call(std::move(bound)));
  }
}

template <class F, class... Args>
requires std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>
    JoinHandle<BlockingOutput<F, Args...>> spawn_blocking(F&& callable,
                                                          Args&&... args) {
  return spawn_blocking_on(context::services("spawn_blocking()").blocking,
                           std::forward<F>(callable),
                           std::forward<Args>(args)...);
}

// With a name, by which a job that is stuck at shutdown is reported.
template <class F>
requires std::is_invocable_v<std::decay_t<F>> JoinHandle<BlockingOutput<F>>
spawn_blocking_named(blocking::Pool& pool, std::string name, F&& callable) {
  using Call = blocking::Call<std::decay_t<F>>;
  return task::launch_named(pool.scheduler(), std::move(name),
                            Call(std::forward<F>(callable)));
}

}  // namespace eddy

#endif  // EDDY_RUNTIME_BLOCKING_SPAWN_BLOCKING_H_
