// Reactor: learns from the kernel (epoll) which fds have become ready, and
// wakes the tasks that wait for them. It has no thread: whoever holds the
// reactor's role calls poll().
//
//   auto reactor = eddy::reactor::Reactor::create({});
//   ...
//   (*reactor)->poll(std::nullopt);  // until an event, or wake()
//
// One epoll is enough for some millions of events a second. Beyond that there
// may be a group of reactors, over which the fds are spread by their numbers,
// and the operations of rings by the threads that submit them.
//
// Threads: wake(), metrics() and the registration of fds by any; poll() by one
//          at a time.
// Errors:  create() fails where the process is out of fds or memory.
// Owner:   registrations may outlive the Reactor: they end as after shutdown().
#ifndef EDDY_REACTOR_REACTOR_H_
#define EDDY_REACTOR_REACTOR_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "reactor/io_uring.h"
#include "reactor/operation.h"

namespace eddy::reactor {

class Core;
class Uring;

struct Options {
  size_t max_events_per_poll = 1024;  // the rest comes with the next poll
  IoUringOptions io_uring = {};
};

struct Metrics {
  uint64_t polls = 0;          // waits for events, those of zero length counted
  uint64_t events = 0;         // that the kernel reported, without wakes
  uint64_t stale_events = 0;   // of these, for fds deregistered meanwhile
  uint64_t wakes = 0;          // calls of wake()
  uint64_t wake_writes = 0;    // of these, that had to interrupt a wait
  uint64_t registrations = 0;  // fds registered now
  IoUringMetrics io_uring;

  Metrics& operator+=(const Metrics& other);
};

class Reactor {
 public:
  static absl::StatusOr<std::unique_ptr<Reactor>> create(Options options);
  // A group of `count`. A fd that is registered with one of them goes to the
  // one that it belongs to.
  static absl::StatusOr<std::vector<std::unique_ptr<Reactor>>> create_group(
      Options options, size_t count);

  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();  // shutdown()

  // Waits until there are events, wake() is called, or `timeout` is over
  // (nullopt: never; zero: does not wait), then wakes the tasks concerned.
  // Returns how many events there were, which may be 0. Signals don't end it.
  // It may return for nothing. `at_most`: so many events, of which the others
  // stay with the kernel for the next poll, in their order.
  size_t poll(std::optional<std::chrono::nanoseconds> timeout,
              size_t at_most = SIZE_MAX);

  // Ends the poll in progress, or makes the next one return at once. What the
  // caller wrote before, the holder of the role sees after that poll. Many
  // wakes before one poll are as one.
  void wake();

  // The ring for an operation with this opcode, which the caller gives it by
  // push() and flush(); null if the blocking pool has to carry it out.
  std::shared_ptr<Uring> uring(Opcode opcode) const;
  // That of one in the group, which `number` chooses, however large it is.
  std::shared_ptr<Uring> uring_in_group(Opcode opcode, size_t number) const;
  // Whether poll() flushes this ring.
  bool has(const Uring& uring) const;
  // Makes the ring, if nobody has yet.
  IoUringStatus io_uring_status();
  // Hands over what was pushed: by a thread that has put that off until its
  // next poll(), and does not poll after all.
  void flush() const;

  // Whether the ring has operations that have not ended.
  bool has_operations() const;

  // All operations on registered fds, pending or later, answer "cancelled". The
  // kernel is asked to cancel what the ring has.
  void shutdown();
  // After shutdown(), when nobody polls any more: waits until the kernel has
  // let go of all operations. Returns the names of those that it still has at
  // the deadline; their records stay until it lets go of them.
  std::vector<std::string> drain(
      std::chrono::steady_clock::time_point deadline);

  Metrics metrics() const;

 private:
  friend class Registration;

  explicit Reactor(std::shared_ptr<Core> core);

  const std::shared_ptr<Core> core_;
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_REACTOR_H_
