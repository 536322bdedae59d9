// What the code on this thread is part of: the runtime that polls it, and where
// in it. Leaf futures find the reactor, the timers and the blocking pool of
// their runtime here when they are first polled; nothing below runtime/
// includes the runtime itself.
//
//   eddy::time::Timers& timers = eddy::context::services("sleep()").timers;
//
// Threads: thread-local.
// Errors:  services() outside of a runtime is misuse, and names the remedy.
// Owner:   whoever enters, for as long as it stays.
#ifndef EDDY_RUNTIME_CONTEXT_CURRENT_H_
#define EDDY_RUNTIME_CONTEXT_CURRENT_H_

#include <cstdint>

namespace eddy {
namespace blocking {
class Pool;
}
namespace reactor {
class Reactor;
}
namespace scheduler {
class ForkLane;
class WakeBatch;
}  // namespace scheduler
namespace task {
class Header;
class Scheduler;
}  // namespace task
namespace time {
class Timers;
}

namespace context {

// The parts of one runtime. They live until no task of it is left.
struct Services {
  task::Scheduler& scheduler;
  reactor::Reactor& reactor;
  time::Timers& timers;
  blocking::Pool& blocking;
};

struct Current {
  const Services* services = nullptr;  // null: not inside a runtime
  void* runtime = nullptr;             // what Handle::current() is made of
  // The core of `services->scheduler` that this thread holds, if it holds one:
  // the scheduler knows the type.
  void* core = nullptr;
  scheduler::ForkLane* forks = nullptr;        // of `core`
  scheduler::WakeBatch* wake_batch = nullptr;  // of a harvest in progress
  task::Header* task = nullptr;                // being polled
  // By a block_in_place() in the poll in progress. Then `core` may be another,
  // or null.
  bool has_left_core = false;
  // Which this thread polls before it sleeps, and every few tasks.
  const reactor::Reactor* polled = nullptr;
  uint32_t shard = 0;               // of the timers
  bool is_polling = false;          // futures, so this thread must not block
  bool is_blocking_thread = false;  // of the blocking pool
};

// This thread's. Not inlined: a coroutine may go on on another thread, and a
// compiler may keep the address of a thread-local across the suspension.
Current& current() noexcept;

// The services of the runtime around the caller. `what`, the operation that
// needs them, is for the message if there is none.
[[noreturn]] void fail_outside_of_a_runtime(const char* what);
inline const Services& services(const char* what) {
  const Services* services = current().services;
  if (services == nullptr) [[unlikely]]
    fail_outside_of_a_runtime(what);
  return *services;
}

// Makes `entered` this thread's context for a while.
class Enter {
 public:
  explicit Enter(const Current& entered) : previous_(current()) {
    current() = entered;
  }
  Enter(const Enter&) = delete;
  Enter& operator=(const Enter&) = delete;
  ~Enter() { current() = previous_; }

 private:
  Current previous_;
};

}  // namespace context
}  // namespace eddy

#endif  // EDDY_RUNTIME_CONTEXT_CURRENT_H_
