// The part of Worker that holds a reactor's role and looks at the others: what
// waits behind tasks that do not end, while nobody is left who would take it.
//
// Who holds a role                     looks at the others
// -----------------------------------  --------------------------------------
// waits for events; somebody sleeps    not at all: a push wakes who sleeps
// waits for events; nobody sleeps, or  after 1 ms, and then after twice as long
// something is queued                  each time, up to 32 ms
// has tasks of its own; nobody sleeps  between two runs of them, each
//                                      millisecond or so
//
// A worker is stuck that is at the same task as at the last look. Of what waits
// behind one, a holder that has nothing to do takes half; and of what waits for
// all others a share, if all of them are stuck. One that has tasks takes both
// after these were stuck for 50 ms.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "runtime/scheduler/idle.h"
#include "runtime/scheduler/local_queue.h"
#include "runtime/scheduler/multi_thread.h"
#include "runtime/scheduler/seat.h"
#include "runtime/scheduler/worker.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

namespace {

using std::chrono::steady_clock;

// How long the holder leaves to others what they don't come to: a long task,
// and, while it has work of its own, whatever waits.
constexpr auto kRescueLongAfter = std::chrono::milliseconds(50);
// Where it has none, looks are farther and farther apart, up to this.
constexpr auto kLongestLookPause = std::chrono::milliseconds(32);
// After so many sleeps in a row that found a sleeper it does not watch any more:
// to be told again costs a system call, and a look each few sleeps less.
constexpr uint32_t kQuietSleeps = 8;

}  // namespace

// Before it waits for events: whether nobody sleeps who would be woken for what
// is pushed meanwhile, or nobody did a few sleeps ago.
bool Worker::must_watch() {
  if (!idle_.is_watched()) return false;
  quiet_sleeps_ = idle_.has_sleepers() ? quiet_sleeps_ + 1 : 0;
  if (quiet_sleeps_ < kQuietSleeps) return true;
  quiet_sleeps_ = 0;
  return !idle_.end_watch();
}

void Worker::watch_others() {
  turn(Driver::Wait::kBriefly, look_pause_);
  if (!has_own_work()) rescue();
  look_pause_ = has_own_work() ? Driver::kBrief
                               : std::min<std::chrono::nanoseconds>(
                                     2 * look_pause_, kLongestLookPause);
}

// Of those who are awake, is one at the same task as at the last look?
bool Worker::is_any_task_stuck() {
  bool is_any = false;
  for (const auto& other : scheduler_.workers()) {
    if (other.get() == this) continue;
    is_any |= other->is_at_a_poll() && is_stuck(*other);
    note_progress(*other);
  }
  return is_any;
}

// Work that waits behind a task which does not end: nobody ran any of it since
// the holder last looked.
void Worker::rescue() {
  bool all_are_stuck = true;
  for (const auto& other : scheduler_.workers()) {
    if (other.get() == this) continue;
    const bool stuck = is_stuck(*other);
    note_progress(*other);
    if (!holds_any_role(*other)) all_are_stuck &= stuck;
    if (stuck && !has_own_work()) (void)steal_from(*other);
  }
  if (!all_are_stuck || !scheduler_.has_work()) {
    all_stuck_since_ = {};
    return;
  }
  if (!has_own_work()) next_ = take_injected();
  if (!has_own_work()) rescue_long_task();
}

// Events may have to wait for a task that blocks again, and then the task would
// have waited for one that perhaps never ends. A stall now and then is better.
void Worker::rescue_long_task() {
  const steady_clock::time_point now = steady_clock::now();
  if (all_stuck_since_ == steady_clock::time_point()) all_stuck_since_ = now;
  if (now - all_stuck_since_ < kRescueLongAfter) return;
  all_stuck_since_ = now;
  next_ = long_ones_.pop();
}

// By a holder with work of its own: of who is awake, one may be at a task that
// does not end, with others behind it that those who sleep should take. If all
// are at such tasks, nobody else will: then it stands in.
void Worker::look_at_the_stuck() {
  const steady_clock::time_point now = steady_clock::now();
  if (now < next_look_at_stuck_) return;
  next_look_at_stuck_ = now + scheduler_.role_tick();
  const bool is_injected =
      !scheduler_.injection().empty() || !scheduler_.long_queue().empty();
  bool is_anything_stuck = false, all_are_stuck = true;
  for (const auto& other : scheduler_.workers()) {
    if (other.get() == this) continue;
    const bool stuck = is_stuck(*other);
    if (stuck && (is_injected || other->queue_.size() > 0)) {
      is_anything_stuck = true;
    }
    if (!holds_any_role(*other)) {
      all_are_stuck &= stuck && other->is_at_a_poll();
    }
    note_progress(*other);
  }
  if (is_anything_stuck && scheduler_.is_look_owed()) scheduler_.pay_look();
  if (!is_anything_stuck || !all_are_stuck) {
    all_stuck_since_ = {};
    return;
  }
  if (all_stuck_since_ == steady_clock::time_point()) all_stuck_since_ = now;
  if (now - all_stuck_since_ >= kRescueLongAfter) stand_in();
}

// Takes a share of what waits for the others, beside its own work.
void Worker::stand_in() {
  for (const auto& other : scheduler_.workers()) {
    if (other.get() == this || holds_any_role(*other)) continue;
    LocalQueue stolen;
    task::Header* task = other->queue_.steal_into(stolen);
    if (task == nullptr) continue;
    steals_.add();
    LocalQueue::Batch batch;
    std::size_t count = 0;
    for (; task != nullptr; task = stolen.pop()) batch[count++] = task;
    scheduler_.inject({batch.data(), count});
  }
  if (has_next()) demote_next();
  next_ = take_injected();
  if (next_ == nullptr) rescue_long_task();
}

// It is at the same task still, or asleep.
bool Worker::is_stuck(const Worker& other) const {
  const auto& seen = seat_->polls_seen[other.index_];
  return other.polls_.get() == seen.load(std::memory_order_relaxed);
}

// It takes nothing that waits for the others, either.
bool Worker::holds_any_role(const Worker& other) const {
  return std::any_of(watched_.begin(), watched_.end(),
                     [&](const Watched& watched) {
                       return watched.seat.role.load().holder() == other.index_;
                     });
}

void Worker::note_progress(const Worker& other) {
  seat_->polls_seen[other.index_].store(other.polls_.get(),
                                        std::memory_order_relaxed);
}

}  // namespace eddy::scheduler
