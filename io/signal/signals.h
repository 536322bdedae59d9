// Signals: the process's signals, as events that a task waits for.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto signals,
//                            eddy::io::Signals::listen({SIGINT, SIGTERM}));
//   EDDY_CO_ASSIGN_OR_RETURN(int signal, co_await signals.next());
//
// The handler does nothing but count the signal and write to an eventfd that
// the reactor watches, so no thread needs its signals blocked, whether it
// belongs to the runtime or not. Several Signals may listen for one signal:
// each of them learns of it. Signals of one kind that come before next() is
// asked are reported once, as the kernel does it with those that are pending.
//
// Threads: listen() inside a runtime; one task at a time waits in next().
// Cancel:  a dropped next() loses no signal.
// Errors:  kInvalidArgument: a signal that can't be handled, or must not be
//          (SIGSEGV and its kin). kCancelled: the runtime has shut down. Else
//          as the kernel says.
// Owner:   a Next borrows its Signals. When the last Signals that listens for a
//          signal ends, what the signal did before is restored.
#ifndef EDDY_IO_SIGNAL_SIGNALS_H_
#define EDDY_IO_SIGNAL_SIGNALS_H_

#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "absl/status/statusor.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"

namespace eddy::io {

class Signals {
 public:
  class Next;  // a Future of absl::StatusOr<int>

  static absl::StatusOr<Signals> listen(std::initializer_list<int> signals);

  Signals(Signals&&) noexcept;
  Signals& operator=(Signals&&) noexcept;
  ~Signals();

  // The number of a signal that came since listen(), or since it was last
  // reported; the lowest, if there are several.
  Next next();

 private:
  class Listener;

  explicit Signals(std::unique_ptr<Listener> listener);

  std::unique_ptr<Listener> listener_;
};

class [[nodiscard]] Signals::Next {
 public:
  using Output = absl::StatusOr<int>;

  explicit Next(Listener& listener);

  Poll<Output> poll(Context& cx);

 private:
  Listener& listener_;
  reactor::Waiter waiter_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_SIGNAL_SIGNALS_H_
