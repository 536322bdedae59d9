// The part of Worker that holds a reactor's role: it fetches events, runs the
// tasks that they woke, and fetches again; and how other workers take a role
// from one that does not come back to it. worker_watch.cc has what the holder
// does about tasks of others that do not end.
#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/multi_thread.h"
#include "runtime/scheduler/seat.h"
#include "runtime/scheduler/standby.h"
#include "runtime/scheduler/worker.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

namespace {

using std::chrono::steady_clock;

// For how long the holder runs tasks before it looks for events again.
constexpr auto kRunTime = std::chrono::microseconds(200);
// The clock is read after the first task of a run, and then after each fourth:
// to read it takes as long as a short task.
constexpr uint32_t kClockInterval = 4;
// How many events it fetches where its queue is full, and stays so: its tasks
// yield, or spawn.
constexpr uint32_t kFewEvents = 16;
// A poll as short as this is not what keeps others waiting.
constexpr auto kShortPoll = std::chrono::microseconds(50);
// Runs of tasks between two looks at the others, while it watches them.
constexpr uint64_t kLookInterval = 32;

}  // namespace

bool Worker::hold_role() {
  if (searching_) stop_searching();
  Driver& driver = seat_->driver;
  context::current().polled = &driver.reactor();
  bool is_lost = false;
  while (!is_lost && !scheduler_.is_stopping_driver()) {
    harvest();
    if (!has_own_work()) continue;
    if (runs_.get() % kLookInterval == 0 && idle_.is_watched()) {
      look_at_the_stuck();
    }
    is_lost = !run_harvest();
  }
  context::current().polled = nullptr;
  // What our tasks left for the next poll is another thread's to see, or not.
  if (is_lost) driver.flush();
  return is_lost;
}

// The core may have been left at run_harvest(), by a poll: back to the events,
// if nobody has taken the role over.
void Worker::resume_role() {
  if (run_word_ == RoleWord()) return;  // it has not run yet
  if (!seat_->role.resume_poll(run_word_)) seat_ = nullptr;
}

void Worker::harvest() {
  if (has_own_work()) {
    if (scheduler_.is_look_owed()) look_at_the_stuck();
    turn(Driver::Wait::kNone);
    return;
  }
  help_.end_backlog();
  // What it left is there for us first of all.
  Worker*& left_by = seat_->left_by;
  if (left_by != nullptr && is_stuck(*left_by) && steal_from(*left_by)) {
    turn(Driver::Wait::kNone);
    return;
  }
  left_by = nullptr;
  if (scheduler_.is_look_owed()) {
    look_pause_ = Driver::kBrief;
    turn(Driver::Wait::kNone);
    if (has_own_work() || steal_backlog()) return;
    if (scheduler_.has_work()) scheduler_.pay_look();
  }
  parks_.add();
  scheduler_.call_park_hook();
  if (has_own_work()) {  // the hook's
    turn(Driver::Wait::kNone);
  } else if (scheduler_.has_work()) {
    // Of others, who may be at a task that does not end.
    watch_others();
  } else if (scheduler_.is_look_owed()) {
    // To pay costs most while others compute, and then there are events soon.
    // Nothing is seen: a push that the fence would show is nanoseconds old, and
    // is seen after this.
    turn(Driver::Wait::kBriefly);
    if (!has_own_work() && !steal_backlog()) scheduler_.pay_look();
  } else if (must_watch()) {
    watch_others();
  } else {
    all_stuck_since_ = {};
    turn(Driver::Wait::kForEvents);
  }
  scheduler_.call_unpark_hook();
}

// What our queue has no room for stays with the kernel, in its order: in the
// injection queue it would wait for other workers, while we serve those that
// come later. (Of 1000 connections in a closed loop, server on one CPU, 1% had
// to wait for 43 ms and not for 21.)
void Worker::turn(Driver::Wait wait, std::chrono::nanoseconds brief) {
  context::Current& here = context::current();
  uint32_t room = queue_.free_slots();
  if (room == 0) room = kFewEvents;
  // What is woken meanwhile goes to the batch.
  here.core = nullptr;
  here.wake_batch = &harvest_;
  seat_->driver.turn(wait, scheduler_, room, brief);
  here.core = this;
  here.wake_batch = nullptr;
  if (!harvest_.empty()) accept_harvest();
}

// Into our own queue: others may steal from there, and we run what they don't.
void Worker::accept_harvest() {
  std::vector<task::Header*>& tasks = harvest_.tasks();
  schedules_.add(tasks.size());
  look_pause_ = Driver::kBrief;
  if (scheduler_.long_tasks().is_used()) [[unlikely]] {
    std::erase_if(tasks, [&](task::Header* task) {
      if (!scheduler_.long_tasks().contains(task->id())) return false;
      scheduler_.leave_to_workers(*task);
      return true;
    });
  }
  const std::span<task::Header* const> all(tasks);
  const std::size_t fit =
      std::min<std::size_t>(all.size(), queue_.free_slots());
  queue_.push_all(all.first(fit));
  if (fit < all.size()) scheduler_.inject(all.subspan(fit));
  tasks.clear();
}

// False: the role is lost, or the core.
bool Worker::run_harvest() {
  Role& role = seat_->role;
  const Role::Run run = role.begin_run();
  run_word_ = run.word;
  if (run.must_wake_standby) scheduler_.wake_standby();
  runs_.add();
  context::Current& here = context::current();
  // One task alone is over before the clock could tell anything.
  steady_clock::time_point began{};
  if (queue_.size() > 1) {
    began = steady_clock::now();
    help_.begin_run(began);
    if (needs_help(began)) scheduler_.notify_one();
  }
  uint32_t timed = 0;  // of those that ran, until the last look at the clock
  for (uint32_t ran = 1;; ++ran) {
    task::Header* task = take_own();
    if (task == nullptr) break;
    const TaskId id = task->id();
    if (!run_task(*task, here)) [[unlikely]]
      return false;
    if (role.load() != run.word) [[unlikely]] {
      scheduler_.long_tasks().add(id);
      seat_ = nullptr;
      return false;
    }
    if (!has_own_work()) break;
    if (ran > 1 && ran % kClockInterval != 0) continue;
    const steady_clock::time_point now = steady_clock::now();
    if (began == steady_clock::time_point()) {
      began = now;
      help_.begin_run(now);
    } else {
      help_.ran(ran - timed, now);
    }
    timed = ran;
    if (needs_help(now)) scheduler_.notify_one();
    if (now - began >= kRunTime) break;
    if (ran >= scheduler_.event_interval() &&
        now - began >= Driver::kLeastInterval) {
      break;
    }
  }
  if (!role.resume_poll(run.word)) seat_ = nullptr;
  return seat_ != nullptr;
}

// With the work that is left.
bool Worker::needs_help(steady_clock::time_point now) {
  const bool is_manned = scheduler_.is_manned();
  const Help::Step step = help_.next(queue_.size(), is_manned, now);
  if (step == Help::Step::kNone || !scheduler_.has_more_cpus()) return false;
  if (!idle_.may_notify()) return false;
  if (step == Help::Step::kLook && !scheduler_.cpu_load().has_idle_cpu()) {
    help_.found_no_cpu(now);
    return false;
  }
  help_.asked(step, now);
  return !is_manned || is_any_task_stuck();
}

// What does not come from the injection queue: that is for the others.
task::Header* Worker::take_own() {
  struct Own {
    Worker& worker;
    bool has_next() const { return worker.has_next(); }
    task::Header* take_next() { return worker.take_next(); }
    task::Header* take_local() { return worker.take_local(); }
    task::Header* take_injected() { return nullptr; }
    uint32_t local_size() const { return worker.local_size(); }
    bool seems_injected() const { return false; }
    void demote_next() { worker.demote_next(); }
  } own{*this};
  return scheduler_.policy().pick(turns_, own);
}

// With nothing of our own, and others who have more than they are at: there is
// no need to wake anybody for that, if somebody sleeps.
bool Worker::steal_backlog() {
  if (!idle_.has_sleepers()) return false;
  for (const auto& other : scheduler_.workers()) {
    if (other.get() != this && steal_from(*other)) return true;
  }
  return false;
}

// With nothing of our own.
bool Worker::steal_from(Worker& other) {
  next_ = other.queue_.steal_into(queue_);
  if (next_ != nullptr) steals_.add();
  return next_ != nullptr;
}

// --- Of workers that hold no role --------------------------------------------

// In a task, or in forks: by the holder, who has to come back to the events.
// One who lost the role meanwhile has not.
bool Worker::is_polling_due() const {
  return seat_ != nullptr && seat_->role.load().holder() == index_;
}

// By one that is awake, between two tasks.
void Worker::watch_roles() {
  for (Watched& role : watched_) {
    if (watch(role)) return;
  }
}

// True: it has taken the role over.
bool Worker::watch(Watched& role) {
  const RoleWord word = role.seat.role.load();
  if (!word.is_running()) return false;
  const std::chrono::nanoseconds tick = scheduler_.role_tick();
  if (word != role.seen && tick > tick.zero()) {
    role.seen = word;
    role.since = {};
    return false;
  }
  // The holder was at the same tasks one turn ago: worth a look at the clock.
  const steady_clock::time_point now = steady_clock::now();
  if (role.since == steady_clock::time_point()) role.since = now;
  return now - role.since >= tick && try_take_over(role.seat, word);
}

bool Worker::try_take_over(Seat& seat, RoleWord word) {
  if (!seat.role.take_over(word, index_)) return false;
  seat_ = &seat;
  take_overs_.add();
  base::heavy_fence();  // [help] pairs with the light one in ask_for_help()
  Worker& holder = *scheduler_.workers()[word.holder()];
  seat.left_by = &holder;
  note_progress(holder);
  if (holder.queue_.size() > 0) scheduler_.notify_one();
  return true;
}

// Sleeps until it was chosen to be woken, has taken a role over, or the
// scheduler stops; as the standby, with looks at the roles.
void Worker::sleep() {
  for (Watched& role : watched_) role.standby = {};
  while (!scheduler_.is_stopping()) {
    const Idle::Place place = idle_.place_of(index_);
    if (place == Idle::Place::kAwake) return;
    std::optional<uint32_t> ticks;
    if (place == Idle::Place::kStandby) {
      ticks = look_at_roles();  // [standby] after place_of()
      if (seat_ != nullptr) return;
    }
    if (ticks.has_value()) {
      parker_.park_until(steady_clock::now() + *ticks * scheduler_.role_tick());
    } else {
      parker_.park();
    }
  }
}

// By the standby: the ticks until its next look; none if no role is armed, or
// it has taken one over.
std::optional<uint32_t> Worker::look_at_roles() {
  std::optional<uint32_t> ticks;
  for (Watched& watched : watched_) {
    Role& role = watched.seat.role;
    const RoleWord word = role.load();
    Standby::Action action = Standby::Action::kSleep;
    if (word.is_armed()) action = watched.standby.look(word);
    if (action == Standby::Action::kTakeOver &&
        try_take_over(watched.seat, word)) {
      return std::nullopt;
    }
    if (!word.is_armed() ||
        (action == Standby::Action::kDisarm && role.disarm(word))) {
      watched.standby = {};
      continue;
    }
    const uint32_t own = watched.standby.ticks();
    ticks = std::min(ticks.value_or(own), own);
  }
  return ticks;
}

// Out of the list of sleepers, if it was not chosen: then false.
bool Worker::leave_sleepers() {
  std::optional<uint32_t> heir;
  const bool is_left = idle_.unpark_self(index_, &heir);
  tell_holders();
  tell_heir(heir);
  return is_left;
}

// The same; it searches, as it does if it was chosen. In that case the token
// that is on the way makes a later sleep end for nothing.
void Worker::search_instead() {
  std::optional<uint32_t> heir;
  (void)idle_.search_self(index_, &heir);
  searching_ = true;
  tell_holders();
  tell_heir(heir);
}

// If nobody is left in the list: from now on they watch.
void Worker::tell_holders() {
  if (idle_.begin_watch()) [[unlikely]]  // [watch]
    scheduler_.wake_drivers();
}

void Worker::tell_heir(std::optional<uint32_t> heir) {
  // [standby] after unpark_self()
  if (heir.has_value() && scheduler_.is_any_role_armed()) {
    scheduler_.wake_standby();
  }
}

bool Worker::may_take_long() const {
  return seat_ == nullptr && !scheduler_.long_queue().empty();
}

// A task of those that the holder leaves to others. It is told from those that
// were long once.
void Worker::run_long_task(task::Header& task, context::Current& here) {
  const TaskId id = task.id();
  const steady_clock::time_point began = steady_clock::now();
  if (!run_task(task, here)) return;
  if (steady_clock::now() - began < kShortPoll) {
    scheduler_.long_tasks().remove(id);
  }
}

}  // namespace eddy::scheduler
