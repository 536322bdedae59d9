// Runtime: threads that run tasks, a reactor that waits for events, timers, and
// a pool for work that blocks. Made by a Builder.
//
//   int main() {
//     eddy::Runtime runtime = *eddy::Builder::multi_thread().build();
//     return runtime.block_on([]() -> eddy::Task<int> {
//       co_await eddy::time::sleep(std::chrono::seconds(1));
//       co_return 0;
//     });
//   }
//
// There may be several in one process.
//
// Threads: any.
// Cancel:  the end of a Runtime cancels all of its tasks: their futures are
//          destroyed. Blocking jobs that run are waited for.
// Errors:  what does not end in time is named on stderr, and left alone.
// Owner:   owns its threads. Handles, wakers, sockets and join handles may
//          outlive it: then they say "cancelled".
#ifndef EDDY_RUNTIME_RUNTIME_H_
#define EDDY_RUNTIME_RUNTIME_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/handle.h"

namespace eddy {

class Runtime {
 public:
  // How long the destructor waits for what does not end.
  static constexpr std::chrono::seconds kShutdownPatience{30};

  Runtime(Runtime&&) = default;
  Runtime& operator=(Runtime&& other) noexcept;
  // As shutdown_timeout(kShutdownPatience). From one of the runtime's own
  // threads: as shutdown_background().
  ~Runtime();

  const Handle& handle() const { return handle_; }

  template <task::Spawnable S>
  auto spawn(S&& future) const {
    return handle_.spawn(std::forward<S>(future));
  }
  template <task::Spawnable S>
  auto spawn_named(std::string name, S&& future) const {
    return handle_.spawn_named(std::move(name), std::forward<S>(future));
  }
  template <class F, class... Args>
  auto spawn_blocking(F&& callable, Args&&... args) const {
    return handle_.spawn_blocking(std::forward<F>(callable),
                                  std::forward<Args>(args)...);
  }
  template <task::Spawnable S>
  OutputOf<task::FutureOf<S>> block_on(S&& future) const {
    return handle_.block_on(std::forward<S>(future));
  }
  [[nodiscard]] Handle::EnterGuard enter() const { return handle_.enter(); }
  RuntimeMetrics metrics() const { return handle_.metrics(); }
  // Whether operations on files go to a ring of io_uring, and if not, why.
  IoUringStatus io_uring_status() const { return handle_.io_uring_status(); }

  // Ends the runtime; what has not ended after `patience` is left alone, named
  // on stderr, and in the result.
  std::vector<std::string> shutdown_timeout(std::chrono::nanoseconds patience);
  // Ends the runtime without waiting for anything.
  void shutdown_background();

 private:
  friend class Builder;
  explicit Runtime(std::shared_ptr<RuntimeCore> core)
      : handle_(std::move(core)) {}

  Handle handle_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_RUNTIME_H_
