#include "runtime/scheduler/current_thread.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/check.h"
#include "runtime/blocking/pool.h"
#include "runtime/scheduler/driver.h"

namespace eddy::scheduler {

namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace

// The calling thread holds the core, and its context says so.
class CurrentThread::Hold {
 public:
  explicit Hold(CurrentThread& scheduler)
      : scheduler_(scheduler), enter_(context_of(scheduler)) {
    scheduler.begin_watch();
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    // Nobody comes after us.
    if (scheduler_.lifeline().is_deserted()) scheduler_.drop_all();
    scheduler_.end_watch();
    scheduler_.release_core();
  }

 private:
  static context::Current context_of(CurrentThread& scheduler) {
    context::Current here = scheduler.here_;
    here.core = scheduler.core_.get();
    here.shard = 0;
    here.forks = &scheduler.core_->forks;
    here.is_polling = true;
    here.polled = &here.services->reactor;
    return here;
  }

  CurrentThread& scheduler_;
  context::Enter enter_;
};

// What is queued after the core was let go, of a runtime that nobody runs.
struct CurrentThread::AtEnd {
  CurrentThread& scheduler;

  ~AtEnd() {
    if (!scheduler.lifeline().is_deserted()) return;
    scheduler.drop_injected();
    scheduler.release_if_over();
  }
};

CurrentThread::CurrentThread(Config config, Driver& driver)
    : Flavor(std::move(config), driver),
      core_(std::make_unique<Core>(injection_)) {}

CurrentThread::~CurrentThread() = default;

absl::Status CurrentThread::start(const context::Current& here,
                                  std::shared_ptr<const void> keep) {
  here_ = here;
  lifeline().tie(std::move(keep));
  return absl::OkStatus();
}

// --- Running -----------------------------------------------------------------

void CurrentThread::block_on(MainFuture& future) {
  EDDY_CHECK(!context::current().is_polling,
             "block_on() inside a task or another block_on(): co_await the "
             "future, or call it in spawn_blocking()");
  BlockOnWaker& main = *BlockOnWaker::create();
  const Waker reference = Waker::adopt(&main);
  BlockOnScope scope(*this, main);
  struct InLine {  // for the core
    InLine(CurrentThread& s, BlockOnWaker& w) : scheduler(s), waker(w) {
      base::MutexLock lock(&scheduler.mutex_);
      scheduler.waiting_for_core_.push_back(&waker);
    }
    ~InLine() {
      base::MutexLock lock(&scheduler.mutex_);
      std::erase(scheduler.waiting_for_core_, &waker);
    }
    CurrentThread& scheduler;
    BlockOnWaker& waker;
  } in_line(*this, main);
  for (;;) {
    if (try_take_core()) {
      const AtEnd at_end{*this};
      Hold hold(*this);
      if (drive(future, main)) return;
      continue;
    }
    if (poll_aside(future, main)) return;
    main.park();
  }
}

// Another thread holds the core. True if the future is ready.
bool CurrentThread::poll_aside(MainFuture& future, BlockOnWaker& main) {
  context::Current inside = here_;
  inside.is_polling = true;
  context::Enter enter(inside);
  const Waker waker = main.waker();
  struct Running {
    explicit Running(CurrentThread& s) : scheduler(s) {
      scheduler.block_ons_running_.fetch_add(1, kAcqRel);
    }
    ~Running() {
      scheduler.block_ons_running_.fetch_sub(1, kAcqRel);
      scheduler.driver().on_idle();
    }
    CurrentThread& scheduler;
  } running(*this);
  while (main.take()) {
    rethrow_fatal();
    Context cx(waker);
    if (future.poll(cx)) return true;
    if (cx.wake_requested()) waker.wake();
  }
  rethrow_fatal();
  return false;
}

bool CurrentThread::drive(MainFuture& future, BlockOnWaker& main) {
  const Waker waker = main.waker();
  while (returning_.load(kRelaxed) == 0) {
    rethrow_fatal();
    if (main.take() && poll_main(future, waker)) return true;
    run_some();
    find_events(&main);
  }
  return false;
}

// True when it is ready.
bool CurrentThread::poll_main(MainFuture& future, const Waker& waker) {
  core_->forks.begin_turn();
  Context cx(waker);
  core_->main_polls.add();
  core_->at_main.store(true, kRelaxed);
  struct AtEnd {
    std::atomic<bool>& at_main;
    ~AtEnd() { at_main.store(false, kRelaxed); }
  } at_end{core_->at_main};
  if (future.poll(cx)) return true;
  if (cx.wake_requested()) waker.wake();
  return false;
}

void CurrentThread::run_some() {
  for (uint32_t i = 0; i < config().event_interval; ++i) {
    task::Header* task = next_task();
    if (task == nullptr) return;
    run_task(*task);
    if (returning_.load(kRelaxed) > 0) return;
  }
}

// By the policy of a worker, of one that has no slot.
task::Header* CurrentThread::next_task() {
  struct Own {
    CurrentThread& scheduler;
    Core& core;
    bool has_next() const { return false; }
    task::Header* take_next() { return nullptr; }
    task::Header* take_local() {
      return core.queue.empty() ? nullptr : core.queue.pop_front();
    }
    task::Header* take_injected() { return scheduler.take_injected(); }
    uint32_t local_size() const {
      return static_cast<uint32_t>(core.queue.size());
    }
    bool seems_injected() const { return core.injected.seems_filled(); }
    void demote_next() {}
  } own{*this, *core_};
  return config().policy.pick(core_->turns, own);
}

// Some at once, since those in the queue have their turns in between.
task::Header* CurrentThread::take_injected() {
  if (injection_.empty()) {
    injection_.set_seems_filled(false);
    return nullptr;
  }
  std::array<task::Header*, 32> batch;
  const std::size_t taken = core_->injected.pop_some(batch);
  for (std::size_t i = 1; i < taken; ++i) core_->queue.push_back(batch[i]);
  return taken > 0 ? batch[0] : nullptr;
}

void CurrentThread::run_task(task::Header& task) {
  core_->polls.add();
  core_->forks.begin_turn();
  context::Current& here = context::current();
  task::Header* outer = std::exchange(here.task, &task);
  // relaxed: for a shutdown that finds this thread stuck.
  core_->running.store(task.id().value(), kRelaxed);
  run(task);
  core_->running.store(outer == nullptr ? 0 : outer->id().value(), kRelaxed);
  here.task = outer;
}

// Waits for them if there are no tasks.
void CurrentThread::find_events(BlockOnWaker* main) {
  if (core_->queue.empty()) {
    wait_for_events(main);
    return;
  }
  const std::chrono::steady_clock::time_point now =
      std::chrono::steady_clock::now();
  if (now - core_->looked_for_events < Driver::kLeastInterval) return;
  core_->looked_for_events = now;
  driver().turn(Driver::Wait::kNone, *this);
}

void CurrentThread::wait_for_events(BlockOnWaker* main) {
  // [wait] we set waiting_, fence and look; who pushes or wakes does so, fences
  // and looks at waiting_. A full fence on both sides: this is done for each
  // harvest, where a heavy one would disturb the threads of the user's.
  waiting_.store(true, kRelaxed);
  base::full_fence();
  if (main != nullptr) main->set_driver(&driver());
  const bool is_wanted =
      returning_.load(kRelaxed) > 0 ||
      (main == nullptr ? is_stand_in_over() : main->is_woken());
  if (injection_.empty() && !is_wanted) {
    core_->parks.add();
    call(config().hooks.on_thread_park);
    if (Watchdog* dog = watchdog()) dog->begin_sleep();
    // The hook may have woken a task.
    const bool has_work = !core_->queue.empty();
    driver().turn(has_work ? Driver::Wait::kNone : Driver::Wait::kForEvents,
                  *this);
    if (Watchdog* dog = watchdog()) dog->end_sleep();
    call(config().hooks.on_thread_unpark);
  } else {
    driver().turn(Driver::Wait::kNone, *this);
  }
  if (main != nullptr) main->set_driver(nullptr);
  waiting_.store(false, kRelaxed);
}

void CurrentThread::schedule(task::Header& task) noexcept {
  if (holds_core()) {
    core_->schedules.add();
    core_->queue.push_back(&task);
    return;
  }
  lifeline().enter();
  injection_.push(&task);
  base::full_fence();  // [wait]
  if (waiting_.load(kRelaxed)) driver().wake();
  if (lifeline().is_deserted()) [[unlikely]] {
    drop_late();
  } else {
    lifeline().leave();
  }
}

void CurrentThread::reschedule(task::Header& task) noexcept {
  core_->reschedules.add();
  core_->queue.push_back(&task);
}

bool CurrentThread::has_pending_work() const {
  return !core_->queue.empty() || !injection_.empty();
}

// Jobs come first, and none may have come meanwhile: a job wakes a block_on()
// before it settles, so that one is seen, woken or running.
bool CurrentThread::is_quiescent() const {
  const blocking::Metrics jobs = here_.services->blocking.metrics();
  if (jobs.admitted_jobs != jobs.settled_jobs) return false;
  if (is_block_on_woken()) return false;  // before it counts as running
  if (block_ons_running_.load(kAcquire) > 0) return false;
  if (absences().count() > 0) return false;
  if (here_.services->blocking.metrics().admitted_jobs != jobs.admitted_jobs) {
    return false;
  }
  return !has_pending_work();
}

// On a thread of the blocking pool, which stands in for one that blocks.
void CurrentThread::run_errand() noexcept {
  if (!try_stand_in()) return;
  migrations_.fetch_add(1, kRelaxed);
  const AtEnd at_end{*this};
  Hold hold(*this);
  while (returning_.load(kRelaxed) == 0 && !is_stand_in_over()) {
    run_some();
    find_events(nullptr);
  }
}

// --- The end -----------------------------------------------------------------

void CurrentThread::stop_workers(Deadline deadline) {
  if (holds_core()) {
    drop_all();
  } else if (wait_for_core(deadline)) {
    Hold hold(*this);
    drop_all();
  }
}

std::vector<StuckTask> CurrentThread::stop_driver(Deadline deadline) {
  lifeline().desert();
  bool is_over = holds_core();
  while (!is_over && wait_for_core(deadline)) {
    Hold hold(*this);
    is_over = drop_until_over(deadline);
  }
  // Calls that have not seen desert() are a few instructions from their end.
  while (!lifeline().calls_over()) std::this_thread::yield();
  drop_injected();
  const TaskId running(core_->running.load(kRelaxed));
  std::vector<StuckTask> stuck =
      stuck_tasks(running == TaskId() ? std::vector<TaskId>()
                                      : std::vector<TaskId>{running});
  release_if_over();
  return stuck;
}

// False: somebody comes back to a poll, and needs the core to end it.
bool CurrentThread::drop_until_over(Deadline deadline) {
  while (returning_.load(kRelaxed) == 0) {
    drop_all();
    if (lifeline().calls_over() && live().alive() == 0) return true;
    if (absences().is_absent()) return true;  // its own task is alive
    if (std::chrono::steady_clock::now() >= deadline) return true;
    std::this_thread::yield();
  }
  return false;
}

// If the core is taken, its holder does it, before it lets go or afterwards.
void CurrentThread::drop_injected() {
  while (!injection_.empty() && try_take_core()) {
    Hold hold(*this);
    drop_all();
  }
}

// By schedule(), in place of leave().
void CurrentThread::drop_late() {
  const Lifeline::Keep keep = lifeline().hold();
  lifeline().leave();
  drop_injected();
  release_if_over();
}

// May end *this, if the caller holds nothing that keeps it alive.
void CurrentThread::release_if_over() {
  if (live().alive() > 0 || !lifeline().calls_over()) return;
  const Lifeline::Keep last = lifeline().cut();
}

// All tasks were cancelled: to run one is to drop its future.
void CurrentThread::drop_all() {
  while (task::Header* task = next_task()) run_task(*task);
}

void CurrentThread::add_metrics(Metrics& metrics) const {
  metrics.workers = 1;
  metrics.injection_queue_depth = injection_.size();
  metrics.polls = core_->polls.get();
  metrics.schedules = core_->schedules.get() + lifeline().calls();
  metrics.reschedules = core_->reschedules.get();
  metrics.parks = core_->parks.get();
  metrics.migrations = migrations_.load(kRelaxed);
}

}  // namespace eddy::scheduler
