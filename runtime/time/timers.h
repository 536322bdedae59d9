// Timers: the pending timers of one runtime, and the agreement on how long its
// reactor may sleep.
//
// One Wheel per worker and one for all other threads, each under a lock of its
// own, so that two workers that set timers share no cache line. A timer goes to
// the shard of the thread that registers it, and stays there. Setting a timer,
// polling once and dropping it allocates nothing and wakes nobody, unless the
// reactor would sleep past it.
//
// One thread at a time, the holder of the reactor role, is the sleeper:
//
//   std::optional<Instant> until = timers.prepare_sleep();
//   ... wait until then, or for ever, or until the alarm ...
//   timers.awake();
//   timers.fire(timers.clock().now());
//
// Between prepare_sleep() and awake(), whoever registers a timer that is due
// before `until`, or pauses, resumes or advances the clock, calls the alarm:
// once per sleep. Look at clock().is_paused() after prepare_sleep(), not
// before.
//
// [sleep] The sleeper stores `planned_`, then loads what is earliest in each
//         shard; whoever registers stores its shard's earliest, then loads
//         `planned_`. Store-load pairs: all four are seq_cst, so at least one
//         of the two sees the other, and no timer is slept past.
//
// Threads: any; prepare_sleep() and awake() by the sleeper.
// Errors:  after shutdown() every timer is due at once.
// Owner:   outlives its pending timers. shutdown() makes them not pending.
#ifndef EDDY_RUNTIME_TIME_TIMERS_H_
#define EDDY_RUNTIME_TIME_TIMERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "runtime/base/bits.h"
#include "runtime/base/spin_lock.h"
#include "runtime/task/waker.h"
#include "runtime/time/clock.h"
#include "runtime/time/wheel.h"

namespace eddy::time {

class Timers;

// One registration: an entry of a wheel, and whom to wake. Part of a future.
//
//   state     by               to       who may touch the timer
//   --------  ---------------  -------  --------------------------------------
//   kIdle     poll()           kArmed   its owner alone
//   kArmed    fire()           kFired   under the lock of its shard
//   kArmed    cancel()         kIdle    under the lock of its shard
//   kFired    reset()          kIdle    its owner alone
//
// [fired] kFired is the last thing that fire() stores in a timer: an owner that
// sees it needs no lock, and may destroy the timer, or outlive the Timers.
class Timer : private TimerEntry {
 public:
  Timer() {}

  // True between the first poll that was pending and the end of the time.
  bool is_armed() const { return state() == State::kArmed; }
  bool is_fired() const { return state() == State::kFired; }

 private:
  friend class Timers;
  enum class State : uint8_t { kIdle, kArmed, kFired };

  State state() const {
    return state_.load(std::memory_order_acquire);  // [fired]
  }

  std::atomic<State> state_{State::kIdle};
  uint32_t shard_ = 0;
  Waker waker_;  // the latest
};

class Timers {
 public:
  // `alarm` may be called by any thread, and at any time: it ends a sleep, or
  // makes the next one end at once.
  Timers(std::size_t shards, Clock& clock, std::function<void()> alarm);
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;
  ~Timers() { shutdown(); }

  Clock& clock() const { return clock_; }
  std::size_t shards() const { return count_; }

  // For futures. poll() is true when the timer has fired; else it keeps the
  // waker, and registers the timer if that was not done. cancel() makes it as
  // new. reset() changes the deadline: one that is pending stays pending.
  bool poll(Timer& timer, Instant deadline, const Waker& waker);
  void cancel(Timer& timer);
  void reset(Timer& timer, Instant deadline);

  // For the scheduler.
  //
  // Announces a sleep, and says when it has to end: never, if empty. May be too
  // early, where a timer was dropped.
  std::optional<Instant> prepare_sleep();
  void awake();

  // When something is due; empty if nothing is pending. Exact, for whoever
  // moves a paused clock; takes the locks of all shards in turn.
  std::optional<Instant> next_deadline() const;

  // Wakes whoever waits for a time up to `now`: shard by shard, each in the
  // order of deadlines. Returns how many timers fired.
  std::size_t fire(Instant now);
  std::size_t fire_shard(std::size_t shard, Instant now);

  // As those of the clock; the sleeper takes note.
  void pause();
  void resume();
  void advance(Duration duration);

  // Every pending timer fires, and every later one at its first poll.
  void shutdown();

 private:
  static constexpr Tick kNever = UINT64_MAX;
  static constexpr Tick kAwake = 0;          // nothing is due before: no alarm
  static constexpr std::size_t kBatch = 64;  // wakes per hold of a lock

  struct alignas(base::kCacheLine) Shard {
    // Never later than the wheel's next deadline. Written under the lock.
    std::atomic<Tick> earliest{kNever};
    base::SpinLock lock;
    bool closed ABSL_GUARDED_BY(lock) = false;
    Wheel wheel ABSL_GUARDED_BY(lock);
  };

  Tick tick_of_deadline(Instant deadline) const;  // rounds up
  Tick tick_of_present(Instant now) const;        // rounds down
  std::optional<Instant> instant_of(Tick tick) const;

  bool arm(Timer& timer, Instant deadline, const Waker& waker);
  bool keep_waker(Timer& timer, const Waker& waker);
  // Into the wheel. True if the timer is the shard's earliest now.
  bool insert(Shard& shard, Timer& timer, Tick tick)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.lock);
  Tick earliest() const;
  // A shard has a new earliest deadline.
  void end_sleep_beyond(Tick tick);
  void end_sleep();
  std::size_t fire_until(Shard& shard, Tick now);

  Clock& clock_;
  const std::function<void()> alarm_;
  const std::size_t count_;
  const std::unique_ptr<Shard[]> shards_;
  // Until when the sleeper sleeps.
  alignas(base::kCacheLine) std::atomic<Tick> planned_{kAwake};
};

}  // namespace eddy::time

#endif  // EDDY_RUNTIME_TIME_TIMERS_H_
