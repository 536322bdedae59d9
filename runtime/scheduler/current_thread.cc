#include "runtime/scheduler/current_thread.h"

#include <algorithm>
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
      : scheduler_(scheduler), enter_(context_of(scheduler)) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    // Nobody comes after us.
    if (scheduler_.lifeline().is_deserted()) scheduler_.drop_all();
    scheduler_.release_core();
  }

 private:
  static context::Current context_of(CurrentThread& scheduler) {
    context::Current here = scheduler.here_;
    here.core = scheduler.core_.get();
    here.shard = 0;
    here.forks = &scheduler.core_->forks;
    here.is_polling = true;
    return here;
  }

  CurrentThread& scheduler_;
  context::Enter enter_;
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

// --- The core ----------------------------------------------------------------

bool CurrentThread::try_take_core() {
  base::MutexLock lock(&mutex_);
  if (core_taken_) return false;
  EDDY_CHECK(
      local_tasks_ == 0 || local_owner_ == std::this_thread::get_id(),
      "a current-thread runtime with tasks of spawn_local() is run, or shut "
      "down, by another thread: do it on the thread that spawned them");
  core_taken_ = true;
  holder_ = std::this_thread::get_id();
  return true;
}

void CurrentThread::release_core() {
  base::MutexLock lock(&mutex_);
  core_taken_ = false;
  holder_ = {};
  core_freed_.notify_all();
  for (BlockOnWaker* waker : waiting_for_core_) waker->unpark();
}

bool CurrentThread::holds_core() const {
  const context::Current& here = context::current();
  return here.services == here_.services && here.core == core_.get();
}

bool CurrentThread::wait_for_core(Deadline deadline) {
  while (!try_take_core()) {
    base::MutexLock lock(&mutex_);
    if (core_taken_ && !core_freed_.wait_until(mutex_, deadline)) return false;
  }
  return true;
}

void CurrentThread::begin_local() {
  base::MutexLock lock(&mutex_);
  ++local_tasks_;
  local_owner_ = std::this_thread::get_id();
}

void CurrentThread::end_local() {
  base::MutexLock lock(&mutex_);
  --local_tasks_;
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
      // Queued after we have let go of the core, and nobody else takes it.
      struct AtEnd {
        CurrentThread& scheduler;
        ~AtEnd() {
          if (!scheduler.lifeline().is_deserted()) return;
          scheduler.drop_injected();
          scheduler.release_if_over();
        }
      } at_end{*this};
      Hold hold(*this);
      drive(future, main);
      return;
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

void CurrentThread::drive(MainFuture& future, BlockOnWaker& main) {
  const Waker waker = main.waker();
  for (;;) {
    rethrow_fatal();
    if (main.take()) {
      core_->forks.begin_turn();
      Context cx(waker);
      if (future.poll(cx)) return;
      if (cx.wake_requested()) waker.wake();
    }
    run_some();
    if (core_->queue.empty()) {
      wait_for_events(main);
    } else {
      driver().turn(Driver::Wait::kNone, *this);
    }
  }
}

void CurrentThread::run_some() {
  for (uint32_t i = 0; i < config().event_interval; ++i) {
    task::Header* task = next_task();
    if (task == nullptr) return;
    run_task(*task);
  }
}

task::Header* CurrentThread::next_task() {
  const bool injection_due =
      ++core_->tick % config().policy.injection_interval == 0;
  if (injection_due || core_->queue.empty()) {
    if (task::Header* task = core_->injected.pop()) return task;
  }
  return core_->queue.empty() ? nullptr : core_->queue.pop_front();
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

void CurrentThread::wait_for_events(BlockOnWaker& main) {
  // [wait] we set waiting_, fence and look; who pushes or wakes does so, fences
  // and looks at waiting_. A full fence on both sides: this is done for each
  // harvest, where a heavy one would disturb the threads of the user's.
  waiting_.store(true, kRelaxed);
  base::full_fence();
  main.set_driver(&driver());
  if (injection_.empty() && !main.is_woken()) {
    core_->parks.add();
    call(config().hooks.on_thread_park);
    // The hook may have woken a task.
    const bool has_work = !core_->queue.empty();
    driver().turn(has_work ? Driver::Wait::kNone : Driver::Wait::kForEvents,
                  *this);
    call(config().hooks.on_thread_unpark);
  } else {
    driver().turn(Driver::Wait::kNone, *this);
  }
  main.set_driver(nullptr);
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

bool CurrentThread::is_quiescent() const {
  if (is_block_on_woken()) return false;  // before it counts as running
  if (block_ons_running_.load(kAcquire) > 0) return false;
  const blocking::Metrics jobs = here_.services->blocking.metrics();
  return jobs.admitted_jobs == jobs.settled_jobs && !has_pending_work();
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
  if (!holds_core() && wait_for_core(deadline)) {
    Hold hold(*this);
    for (;;) {
      drop_all();
      if (lifeline().calls_over() && live().alive() == 0) break;
      if (std::chrono::steady_clock::now() >= deadline) break;
      std::this_thread::yield();
    }
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
}

}  // namespace eddy::scheduler
