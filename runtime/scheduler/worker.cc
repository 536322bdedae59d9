#include "runtime/scheduler/worker.h"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/multi_thread.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {

Worker::Worker(MultiThread& scheduler, uint32_t index, ForkLane& forks,
               uint64_t seed)
    : scheduler_(scheduler),
      idle_(scheduler.idle()),
      index_(index),
      injected_(scheduler.injection()),
      long_ones_(scheduler.long_queue()),
      policy_(scheduler.policy()),
      random_(seed + index),
      forks_(&forks) {
  forks.set_host(this);
  for (Seat& seat : scheduler.seats()) watched_.emplace_back(seat);
  has_more_roles_ = watched_.size() > 1;
}

bool Worker::run() {
  context::Current& here = context::current();  // this thread's to the end
  const uintptr_t stack_limit = Context::default_stack_limit();
  // What a poll that took the core in its midst has left here.
  running_.store(0, std::memory_order_relaxed);
  at_forks_.store(false, std::memory_order_relaxed);
  if (seat_ != nullptr) resume_role();
  for (;;) {
    if (seat_ != nullptr) {
      const bool goes_on = hold_role();
      if (here.has_left_core) [[unlikely]]
        return false;
      if (!goes_on) break;
      continue;
    }
    task::Header* task = policy_.pick(turns_, *this);
    if (task == nullptr) [[unlikely]] {
      // Not before: what a runtime that ends still has queued ends at its turn.
      if (scheduler_.is_stopping()) break;
      task = search();
    }
    if (task != nullptr && !took_long_) [[likely]] {
      if (!poll(*task, here, stack_limit)) [[unlikely]]
        return false;
    } else {
      if (task != nullptr) {
        took_long_ = false;
        run_long_task(*task, here);
      } else if (!run_stolen_forks()) {
        park();
      }
      if (here.has_left_core) [[unlikely]]
        return false;
    }
    if (may_take_over() && seat_ == nullptr) [[unlikely]]
      watch_roles();
  }
  drop_all();
  return !here.has_left_core;
}

void Worker::leave(ForkLane& next) {
  forks().set_host(nullptr);
  next.set_host(this);
  next.deque().demand();  // who sleeps has asked another
  forks_.store(&next, std::memory_order_release);
  departures_.add();
  at_forks_.store(false, std::memory_order_relaxed);
  running_.store(0, std::memory_order_relaxed);
}

ForkLane& Worker::take(ForkLane& lane, const context::Current& here) {
  ForkLane& had = forks();
  leave(lane);
  if (here.task != nullptr) {
    running_.store(here.task->id().value(), std::memory_order_relaxed);
  } else {
    at_forks_.store(true, std::memory_order_relaxed);
  }
  return had;
}

// A holder is at its tasks: a look at each word, without a call; as a rule there
// is one.
inline bool Worker::may_take_over() const {
  const auto is_running = [](const Watched& role) {
    return role.seat.role.load().is_running();
  };
  if (is_running(watched_.front())) return true;
  return has_more_roles_ &&
         std::any_of(watched_.begin() + 1, watched_.end(), is_running);
}

inline void Worker::requeue(task::Header& task) {
  reschedules_.add();
  push(task);
  // Alone, it waits for us only; beside others, some other worker may help.
  if (idle_.may_notify() && has_more_than_one()) [[unlikely]]
    wake_helper();
}

void Worker::reschedule(task::Header& task) { requeue(task); }

// One turn. Inlined into the loop, and without the calls by which a task would
// find out on which core it is: with the checks in the order of their rarity.
inline bool Worker::poll(task::Header& task, context::Current& here,
                         uintptr_t stack_limit) {
  using Turn = task::Header::Turn;
  if (searching_) [[unlikely]]
    stop_searching();
  polls_.add();
  here.forks->begin_turn();
  here.task = &task;
  // relaxed: for a shutdown that finds this thread stuck.
  running_.store(task.id().value(), std::memory_order_relaxed);
  scheduler_.begin_turn(task);
  const Turn turn = task.turn(Context::kDefaultBudget, stack_limit);
  // If it has left the core, *this is another thread's by now, and this one may
  // hold another core. Functions of the user's run in end(), too.
  if (turn == Turn::kEnded) {
    end(task, here);
    if (here.has_left_core) [[unlikely]]
      return false;
    running_.store(0, std::memory_order_relaxed);
    return true;
  }
  here.task = nullptr;
  if (here.has_left_core) [[unlikely]] {
    if (turn == Turn::kAgain) scheduler_.reschedule(task);
    return false;
  }
  EDDY_DCHECK(here.core == this,
              "an EnterGuard is held across a co_await: end it before");
  running_.store(0, std::memory_order_relaxed);
  if (turn == Turn::kAgain) requeue(task);
  return true;
}

bool Worker::run_task(task::Header& task, context::Current& here) {
  return poll(task, here, Context::default_stack_limit());
}

inline void Worker::end(task::Header& task, context::Current& here) {
  if (here.has_left_core || task.live_list == task::Header::kPart ||
      scheduler_.announces_ends()) [[unlikely]] {
    task.finish();
    here.task = nullptr;
    return;
  }
  here.task = nullptr;  // what it wakes now is who waits for its end
  task.finish_dismissed(scheduler_.dismiss_silently(index_, task));
}

// This worker's share: what fills half of its queue, since who is in it waits
// for one round of it; but some in any case, since who is not waits for all.
task::Header* Worker::take_injected() {
  if (may_take_long()) [[unlikely]] {
    task::Header* task = nullptr;
    if (long_ones_.pop_some({&task, 1}) == 1) {
      took_long_ = true;
      return task;
    }
  }
  constexpr std::size_t kHalf = LocalQueue::kHalf, kAtLeast = kHalf / 4;
  InjectionQueue& injection = scheduler_.injection();
  const std::size_t waiting = injection.size();
  if (waiting == 0) {
    injection.set_seems_filled(false);
    return nullptr;
  }
  const std::size_t queued = queue_.size();
  const std::size_t room =
      queued + kAtLeast < kHalf ? kHalf - queued : kAtLeast;
  const std::size_t share = std::clamp<std::size_t>(
      waiting / scheduler_.workers().size(), 1,
      std::min<std::size_t>(room, 1 + queue_.free_slots()));
  std::array<task::Header*, kHalf> batch;
  const std::size_t taken = injected_.pop_some({batch.data(), share});
  if (taken == 0) return nullptr;
  if (taken > 1) {
    queue_.push_all({batch.data() + 1, taken - 1});
    // A searcher sees to that when it stops.
    if (!searching_) scheduler_.notify_one();
  }
  return batch[0];
}

task::Header* Worker::search() {
  if (!searching_) {
    if (!idle_.try_search()) return nullptr;
    searching_ = true;
  }
  const auto& workers = scheduler_.workers();
  const auto count = static_cast<uint32_t>(workers.size());
  const uint32_t start = random_.below(count);
  for (uint32_t i = 0; i < count; ++i) {
    Worker& victim = *workers[(start + i) % count];
    if (&victim == this) continue;
    if (task::Header* task = victim.queue_.steal_into(queue_)) {
      steals_.add();
      return task;
    }
  }
  if (task::Header* task = take_injected()) return task;
  failed_searches_.add();
  return nullptr;
}

// Forks of another worker, if we may search. At the base of this thread's
// stack: what they fork is ours, and what they wait for suspends them.
bool Worker::run_stolen_forks() {
  if (!searching_) return false;
  const auto& workers = scheduler_.workers();
  const auto count = static_cast<uint32_t>(workers.size());
  const uint32_t start = random_.below(count);
  for (uint32_t i = 0; i < count; ++i) {
    Worker& victim = *workers[(start + i) % count];
    ForkDeque::Item item;
    if (&victim == this || !victim.forks().deque().steal(item)) continue;
    fork_steals_.add();
    stop_searching();
    context::Current& here = context::current();
    here.forks->begin_turn();
    at_forks_.store(true, std::memory_order_relaxed);
    item.fork->run_stolen(item.branches);
    if (!here.has_left_core) [[likely]]
      at_forks_.store(false, std::memory_order_relaxed);
    return true;
  }
  return false;
}

void Worker::stop_searching() {
  searching_ = false;
  if (!idle_.stop_searching() || !idle_.has_sleepers()) return;
  // There may be more where this came from, and pushes relied on us to look.
  // Who is woken looks as we do, so for what we see at once no fence is needed.
  if (!scheduler_.is_manned() && scheduler_.has_work()) {
    scheduler_.notify_one();
  } else if (!scheduler_.may_owe_look()) {
    base::heavy_fence();  // [sleep] pairs with the light fence in notify_one()
    if (scheduler_.has_work()) scheduler_.notify_one();
  }
}

void Worker::schedule(task::Header& task, const context::Current& here) {
  schedules_.add();
  // No task is at its turn: the one that was has ended, and wakes its joiner.
  // Were that to run at once, one that joins a hundred tasks in a row would be
  // polled a hundred times. (10^5 of them: 1082 instructions for each spawn and
  // join without this, 748 with it.)
  if (here.task == nullptr && next_ == nullptr && queue_.size() > 0) {
    push(task);
  } else if (task::Header* displaced = std::exchange(next_, &task)) {
    push(*displaced);
  } else {
    return;  // the slot's is next: nobody is woken for it
  }
  ask_for_help();
}

// A task was pushed beside another, and there is somebody to wake. Who polls for
// events asks later, and only if the work lasts: run_harvest().
void Worker::wake_helper() {
  // [help] store-load: who takes the role over from us sees the push, or we see
  // that it did. Pairs with the fence in try_take_over().
  if (seat_ != nullptr) base::light_fence();
  if (!is_polling_due()) scheduler_.notify_one();
}

void Worker::push_to_full(task::Header& task) {
  LocalQueue::Batch evicted;
  const uint32_t count = queue_.push(&task, evicted);
  if (count > 0) [[unlikely]] {
    overflows_.add();
    // That is the others', also where we hold a role and ask nobody for help.
    scheduler_.inject({evicted.data(), count});
  }
}

void Worker::park() {
  if (std::exchange(searching_, false)) {
    // park() makes us look again, so nobody is woken in our place.
    (void)idle_.stop_searching();
  }
  idle_.count_as_parked(index_);
  scheduler_.demand_forks();
  if (must_stay_awake()) return search_instead();
  parks_.add();
  scheduler_.before_park();
  // A hook may have woken a task of ours, for which nobody wakes us.
  if (next_ != nullptr && leave_sleepers()) {
    scheduler_.call_unpark_hook();
    return;
  }
  if (scheduler_.assists()) {
    sleep();
  } else {
    parker_.park();
  }
  scheduler_.call_unpark_hook();
  searching_ = !leave_sleepers();
}

// By one that counts as parked. Who searches still will look after us.
bool Worker::must_stay_awake() const {
  const auto must = [&] {
    return scheduler_.is_stopping() ||
           (!idle_.has_searchers() && scheduler_.has_work());
  };
  if (must()) return true;
  if (scheduler_.may_owe_look()) return false;
  // [sleep] pairs with the light fence in notify_one(), [hungry] with the one
  // in ForkDeque::publish().
  base::heavy_fence();
  return must();
}

void Worker::wake_thief() { scheduler_.notify_one(); }

// Whoever has the role has to fetch events, and to learn of a task that waits
// it may have to fetch some.
bool Worker::has_waiting_tasks() const {
  return next_ != nullptr || queue_.size() > 0 || is_polling_due() ||
         !scheduler_.injection().empty() || may_take_long() ||
         scheduler_.is_stopping();
}

// The scheduler has cancelled all tasks: to run one is to drop its future.
void Worker::drop_all() {
  if (std::exchange(searching_, false)) {
    (void)idle_.stop_searching();
  }
  for (;;) {
    task::Header* task = std::exchange(next_, nullptr);
    if (task == nullptr) task = queue_.pop();
    if (task == nullptr) task = injected_.pop();
    if (task == nullptr) task = long_ones_.pop();
    if (task == nullptr) return;
    if (!run_task(*task, context::current())) return;
  }
}

// Whatever begins or ends at a core adds to one of these, and a poll that left
// it and came back is not taken for one that has been there all the time.
CoreLook Worker::look() const noexcept {
  return {.turn = polls_.get() + fork_steals_.get() + departures_.get(),
          .task = running(),
          .is_at_a_poll = is_at_a_poll(),
          .thread = thread_.load(std::memory_order_relaxed)};
}

void Worker::add_metrics(Metrics& metrics) const {
  metrics.local_queue_depth += queue_.size();
  metrics.polls += polls_.get();
  metrics.schedules += schedules_.get();
  metrics.reschedules += reschedules_.get();
  metrics.steals += steals_.get();
  metrics.fork_steals += fork_steals_.get();
  metrics.failed_searches += failed_searches_.get();
  metrics.overflows += overflows_.get();
  metrics.parks += parks_.get();
  metrics.assisted_batches += runs_.get();
  metrics.take_overs += take_overs_.get();
}

}  // namespace eddy::scheduler
