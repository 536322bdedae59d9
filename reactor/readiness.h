// What is known of one direction of an fd: whether the next system call may
// succeed, in one atomic word.
//
//   bit   0      1       2
//         READY  MORE    SHUTDOWN
//   bits  8..63  tick: how often the kernel reported this direction
//
// READY: a system call is worth trying. MORE: a short transfer is not the last:
// there is the end of the stream, an error, or data behind an urgent mark.
// SHUTDOWN: the reactor has shut down; final.
//
//   from               by                   to
//   -----------------  -------------------  ------------------------------
//   any                signal(more)         tick + 1, READY, MORE if so
//   tick as in `seen`  clear(seen)          ~READY, ~MORE
//   a later tick       clear(seen)          unchanged: try again
//   any                shut_down()          | SHUTDOWN
//   any                reset(assume_ready)  tick 0, READY if so
//
// The tick is what makes clear() safe: an event that the kernel reports between
// a system call that found nothing and the clear() after it moves the tick on,
// and is not lost.
//
// Memory order: [ready] signal() and shut_down() release, load() acquires: who
// sees READY also sees that the reactor took the waiter out of its slot before
// (see entry.h). A clear() publishes nothing.
//
// Threads: signal(), shut_down() and reset() by whoever holds the entry's lock;
//          load() and clear() by the one task that uses this direction.
//
// The tick is Tokio's idea (runtime/io/scheduled_io.rs); here each direction
// has its own, so that a reader does not disturb a writer.
#ifndef EDDY_REACTOR_READINESS_H_
#define EDDY_REACTOR_READINESS_H_

#include <atomic>
#include <cstdint>

namespace eddy::reactor {

enum class Direction : uint8_t { kRead, kWrite };

// What load() found.
class Readiness {
 public:
  bool is_ready() const { return (word_ & (kReady | kShutdown)) != 0; }
  bool has_more() const { return (word_ & kMore) != 0; }
  bool is_shutdown() const { return (word_ & kShutdown) != 0; }

 private:
  friend class ReadinessWord;

  static constexpr uint64_t kReady = 1, kMore = 2, kShutdown = 4;
  static constexpr uint64_t kTick = uint64_t{1} << 8;

  explicit Readiness(uint64_t word) : word_(word) {}

  uint64_t word_;
};

class ReadinessWord {
 public:
  Readiness load() const {
    return Readiness(word_.load(std::memory_order_acquire));  // [ready]
  }

  void clear(Readiness seen) {
    // SHUTDOWN comes without a tick; where it is set, is_ready() stays true.
    word_.compare_exchange_strong(
        seen.word_, seen.word_ & ~(Readiness::kReady | Readiness::kMore),
        std::memory_order_relaxed, std::memory_order_relaxed);
  }

  void signal(bool more) {
    const uint64_t bits = Readiness::kReady | (more ? Readiness::kMore : 0);
    uint64_t old = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(old, (old + Readiness::kTick) | bits,
                                        std::memory_order_release,  // [ready]
                                        std::memory_order_relaxed)) {
    }
  }

  void shut_down() {
    word_.fetch_or(Readiness::kShutdown, std::memory_order_release);  // [ready]
  }

  void reset(bool assume_ready) {
    // relaxed: the fd is not shared yet.
    word_.store(assume_ready ? Readiness::kReady : 0,
                std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> word_{0};
};

}  // namespace eddy::reactor

#endif  // EDDY_REACTOR_READINESS_H_
