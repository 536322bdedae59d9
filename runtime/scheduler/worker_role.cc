// The part of Worker that holds the reactor's role: it fetches events, runs the
// tasks that they woke, and fetches again; and how other workers take the role
// from one that does not come back to it.
#include <chrono>
#include <span>

#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/multi_thread.h"
#include "runtime/scheduler/standby.h"
#include "runtime/scheduler/worker.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

namespace {

using std::chrono::steady_clock;

// For how long the holder runs tasks before it looks for events again, and
// after how long it asks for help with them.
constexpr auto kRunTime = std::chrono::microseconds(200);
constexpr auto kHelpAfter = std::chrono::microseconds(50);
// A poll as short as this is not what keeps others waiting.
constexpr auto kShortPoll = std::chrono::microseconds(50);

}  // namespace

bool Worker::hold_role() {
  if (searching_) stop_searching();
  while (!scheduler_.is_stopping_driver()) {
    harvest();
    if (has_own_work() && !run_harvest()) {
      holds_role_ = false;
      return true;
    }
  }
  return false;
}

void Worker::harvest() {
  if (has_own_work()) {
    turn(Driver::Wait::kNone);
    return;
  }
  backlog_since_ = {};
  // What it left is there for us first of all.
  if (taken_from_ != nullptr && is_stuck(*taken_from_) &&
      steal_from(*taken_from_)) {
    turn(Driver::Wait::kNone);
    return;
  }
  taken_from_ = nullptr;
  parks_.add();
  scheduler_.call_park_hook();
  if (has_own_work()) {  // the hook's
    turn(Driver::Wait::kNone);
  } else if (!scheduler_.has_work()) {
    turn(Driver::Wait::kForEvents);
  } else {
    // Of others, who may be at a task that does not end.
    turn(Driver::Wait::kBriefly);
    if (!has_own_work()) rescue();
  }
  scheduler_.call_unpark_hook();
}

void Worker::turn(Driver::Wait wait) {
  context::Current& here = context::current();
  // What is woken meanwhile goes to the batch.
  here.core = nullptr;
  here.wake_batch = &harvest_;
  scheduler_.turn_driver(wait);
  here.core = this;
  here.wake_batch = nullptr;
  if (!harvest_.empty()) accept_harvest();
}

// Into our own queue: others may steal from there, and we run what they don't.
void Worker::accept_harvest() {
  std::vector<task::Header*>& tasks = harvest_.tasks();
  schedules_.add(tasks.size());
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

// False: the role is lost.
bool Worker::run_harvest() {
  Role& role = scheduler_.role();
  const Role::Run run = role.begin_run();
  if (run.must_wake_standby) scheduler_.wake_standby();
  runs_.add();
  context::Current& here = context::current();
  steady_clock::time_point began{};
  for (uint32_t ran = 1;; ++ran) {
    task::Header* task = take_own();
    if (task == nullptr) break;
    const TaskId id = task->id();
    run_task(*task, here);
    if (role.load() != run.word) [[unlikely]] {
      scheduler_.long_tasks().add(id);
      return false;
    }
    if (ran >= scheduler_.event_interval() || !has_own_work()) break;
    const steady_clock::time_point now = steady_clock::now();
    if (began == steady_clock::time_point()) began = now;
    if (backlog_since_ == steady_clock::time_point()) backlog_since_ = now;
    if (now - backlog_since_ >= kHelpAfter && scheduler_.has_more_cpus()) {
      backlog_since_ = now;
      scheduler_.notify_one();
    }
    if (now - began >= kRunTime) break;
  }
  return role.resume_poll(run.word);
}

// What does not come from the injection queue: that is for the others.
task::Header* Worker::take_own() {
  struct Own {
    Worker& worker;
    task::Header* take_next() { return worker.take_next(); }
    task::Header* take_local() { return worker.take_local(); }
    task::Header* take_injected() { return nullptr; }
    uint32_t local_size() const { return worker.local_size(); }
    bool seems_injected() const { return false; }
    void demote_next() { worker.demote_next(); }
  } own{*this};
  return scheduler_.policy().pick(turns_, own);
}

// Work that waits behind a task which does not end: nobody ran any of it since
// the holder last looked.
void Worker::rescue() {
  bool all_are_stuck = true;
  for (const auto& other : scheduler_.workers()) {
    if (other.get() == this) continue;
    const bool stuck = is_stuck(*other);
    other->polls_when_seen_ = other->polls_.get();
    all_are_stuck &= stuck;
    if (stuck && !has_own_work()) (void)steal_from(*other);
  }
  if (all_are_stuck && !has_own_work()) next_ = take_injected();
}

// It is at the same task still, or asleep.
bool Worker::is_stuck(const Worker& other) const {
  return other.polls_.get() == other.polls_when_seen_;
}

// With nothing of our own.
bool Worker::steal_from(Worker& other) {
  next_ = other.queue_.steal_into(queue_);
  if (next_ != nullptr) steals_.add();
  return next_ != nullptr;
}

// --- Of workers that don't hold the role -------------------------------------

// In a task, or in forks: by the holder, who has to come back to the events.
// One who lost the role meanwhile has not.
bool Worker::is_polling_due() const {
  return holds_role_ && scheduler_.role().load().holder() == index_;
}

// By one that is awake, between two tasks.
void Worker::watch_role() {
  const RoleWord word = scheduler_.role().load();
  if (!word.is_running()) return;
  const std::chrono::nanoseconds tick = scheduler_.role_tick();
  if (word != seen_role_ && tick > tick.zero()) {
    seen_role_ = word;
    seen_role_since_ = {};
    return;
  }
  // The holder was at the same tasks one turn ago: worth a look at the clock.
  const steady_clock::time_point now = steady_clock::now();
  if (seen_role_since_ == steady_clock::time_point()) seen_role_since_ = now;
  if (now - seen_role_since_ >= tick) try_take_over(word);
}

bool Worker::try_take_over(RoleWord word) {
  if (!scheduler_.role().take_over(word, index_)) return false;
  holds_role_ = true;
  take_overs_.add();
  taken_from_ = scheduler_.workers()[word.holder()].get();
  taken_from_->polls_when_seen_ = taken_from_->polls_.get();
  if (taken_from_->queue_.size() > 0) scheduler_.notify_one();
  return true;
}

// Sleeps until it was chosen to be woken, has taken the role over, or the
// scheduler stops; as the standby, with looks at the role.
void Worker::sleep() {
  Standby standby;
  while (!scheduler_.is_stopping()) {
    const Idle::Place place = scheduler_.idle().place_of(index_);
    if (place == Idle::Place::kAwake) return;
    const RoleWord word = scheduler_.role().load();  // [standby] after place_of
    if (place == Idle::Place::kSleeper || !word.is_armed()) {
      parker_.park();
      standby = {};
      continue;
    }
    switch (standby.look(word)) {
      case Standby::Action::kTakeOver:
        if (try_take_over(word)) return;
        break;
      case Standby::Action::kDisarm:
        if (scheduler_.role().disarm(word)) continue;
        break;
      case Standby::Action::kSleep:
        break;
    }
    parker_.park_until(steady_clock::now() +
                       standby.ticks() * scheduler_.role_tick());
  }
}

// Out of the list of sleepers, if it was not chosen: then false.
bool Worker::leave_sleepers() {
  std::optional<uint32_t> heir;
  if (!scheduler_.idle().unpark_self(index_, &heir)) return false;
  // [standby] after unpark_self()
  if (heir.has_value() && scheduler_.role().load().is_armed()) {
    scheduler_.wake_standby();
  }
  return true;
}

// A task of those that the holder leaves to others. It is told from those that
// were long once.
void Worker::run_long_task(task::Header& task, context::Current& here) {
  const TaskId id = task.id();
  const steady_clock::time_point began = steady_clock::now();
  run_task(task, here);
  if (steady_clock::now() - began < kShortPoll) {
    scheduler_.long_tasks().remove(id);
  }
}

}  // namespace eddy::scheduler
