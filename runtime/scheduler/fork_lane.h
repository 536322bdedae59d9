// ForkLane: a core's side of fork-join: the deque of its forks, and the slice
// of time after which a poll that forks makes room for other tasks.
//
// A fork_join runs its children inside of one poll, so that this poll may last
// as long as the whole computation. Before it starts a child it asks
// is_slice_over(); if so, it leaves what it has not begun to the run queue, and
// so do all that called it: the whole stack of polls unwinds, and the core
// turns to its other tasks. A slice ends after kSlice if another task waits for
// this core, and is not limited otherwise. The clock is read once for up to
// kMaxInterval children, and for each one where children take long.
//
// The lane belongs to the stack whose forks are in it. When a poll leaves its
// core to another thread (block_in_place), it keeps the lane, without a host
// and empty, and the core goes on with another.
//
// Threads: the one that holds the core, but for deque() as it says.
// Owner:   the scheduler, and not the core: a thief may come late.
#ifndef EDDY_RUNTIME_SCHEDULER_FORK_LANE_H_
#define EDDY_RUNTIME_SCHEDULER_FORK_LANE_H_

#include <chrono>
#include <cstdint>

#include "runtime/scheduler/fork_deque.h"

namespace eddy::scheduler {

class ForkLane {
 public:
  static constexpr std::chrono::microseconds kSlice{200};
  static constexpr uint32_t kMaxInterval = 64;

  // What a lane needs of the scheduler around it.
  class Host {
   public:
    // Forks were published, and somebody looks for work: wakes a worker.
    virtual void wake_thief() = 0;
    // Whether there is a task that this core could run instead.
    virtual bool has_waiting_tasks() const = 0;

   protected:
    ~Host() = default;
  };

  explicit ForkLane(Host* host = nullptr) : host_(host) {}
  ForkLane(const ForkLane&) = delete;
  ForkLane& operator=(const ForkLane&) = delete;

  // See ForkDeque. Every push is followed by a pop, which comes back without an
  // item if a thief had it, before the poll that pushed returns: so what pop()
  // gives was pushed last by the same fork.
  [[nodiscard]] bool push(ForkDeque::Item item) {
    if (!deque_.push(item)) return false;
    if (deque_.wants_publish()) [[unlikely]] {
      publish();
    }
    return true;
  }
  [[nodiscard]] bool pop(ForkDeque::Item& item) { return deque_.pop(item); }
  // Whether the next push() will publish: a hint how to cut what is pushed.
  bool wants_publish() const { return deque_.wants_publish(); }

  // Before each child. Once true, it stays so until the next begin_turn().
  bool is_slice_over() {
    if (--children_left_ > 0) [[likely]] {
      return false;
    }
    return check_slice();
  }
  // The core takes a task: a slice begins.
  void begin_turn() {
    if (is_timing_) [[unlikely]] {
      start_slice();
    }
  }

  // Null: nobody steals here, and a slice that has lasted makes room at once.
  void set_host(Host* host) { host_ = host; }
  // Leaves all that nobody has begun to the run queue.
  void postpone_all();

  // For thieves.
  ForkDeque& deque() { return deque_; }
  const ForkDeque& deque() const { return deque_; }

 private:
  using Clock = std::chrono::steady_clock;

  void publish();
  bool check_slice();
  void start_slice();

  ForkDeque deque_;
  Host* host_;
  uint32_t children_left_ = 1;  // until the clock is looked at
  uint32_t interval_ = 1;
  bool is_timing_ = false;
  bool is_over_ = false;
  Clock::time_point started_;
  Clock::time_point looked_;
};

}  // namespace eddy::scheduler

#endif  // EDDY_RUNTIME_SCHEDULER_FORK_LANE_H_
