#include "runtime/scheduler/multi_thread.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/check.h"
#include "runtime/base/cpu_count.h"
#include "runtime/blocking/pool.h"
#include "runtime/scheduler/driver.h"
#include "runtime/scheduler/wake_batch.h"

namespace eddy::scheduler {

namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcqRel = std::memory_order_acq_rel;

}  // namespace

MultiThread::MultiThread(Config config, Drivers& drivers)
    : Flavor(std::move(config), drivers.front()),
      idle_(this->config().workers),
      has_more_cpus_(base::available_cpus() > 1) {
  const uint32_t cores = this->config().cores();
  uint32_t holder = this->config().workers;
  for (Driver& driver : drivers) seats_.emplace_back(driver, holder++, cores);
  for (uint32_t i = 0; i < cores; ++i) {
    workers_.push_back(std::make_unique<Worker>(*this, i, lanes_.emplace_back(),
                                                this->config().seed));
  }
  free_cores_.reserve(cores);
  if (!assists()) return;
  for (Seat& seat : seats_) {
    workers_[seat.role.load().holder()]->give_role(seat);
  }
}

MultiThread::~MultiThread() {
  // Of a build() that failed: no thread was started.
  base::MutexLock lock(&mutex_);
  EDDY_CHECK(threads_.empty(), "a scheduler is destroyed while it runs");
}

// --- Threads -----------------------------------------------------------------

absl::Status MultiThread::start(const context::Current& here,
                                std::shared_ptr<const void> keep) {
  here_ = here;
  here_.shard = config().cores();  // of those that are no workers
  // Before there are threads: a function of the user's may throw.
  std::vector<std::string> names;
  try {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      names.push_back(config().thread_name(i));
    }
  } catch (...) {
    return absl::InvalidArgumentError(
        "Builder::thread_name_fn(): the function threw");
  }
  // Who polls for events comes first; it is there until the end.
  absl::Status status;
  for (std::size_t i = 0; !assists() && status.ok() && i < seats_.size(); ++i) {
    std::string name = "eddy-reactor";
    if (seats_.size() > 1) name += "-" + std::to_string(i);
    status = start_thread(name, [this, i] { run_reactor(seats_[i]); }, keep);
  }
  for (std::size_t i = workers_.size(); status.ok() && i-- > 0;) {
    status = start_thread(
        names[i], [this, i] { run_worker(static_cast<uint32_t>(i)); }, keep);
  }
  if (status.ok()) {
    lifeline().tie(keep);
    return status;
  }
  close();
  stop_workers(Deadline::max());
  here_.services->blocking.shutdown(Deadline::max());
  stop_driver(Deadline::max());
  return status;
}

absl::Status MultiThread::start_thread(
    const std::string& name, std::function<void()> body,
    const std::shared_ptr<const void>& keep) {
  base::MutexLock lock(&mutex_);
  absl::StatusOr<base::Thread> thread = base::Thread::start(
      {.name = name, .stack_size = config().stack_size},
      [this, keep = keep, body = std::move(body)]() mutable {
        body();
        {
          base::MutexLock lock(&mutex_);
          --running_;
          ended_.notify_all();
        }
        release_if_over();
        keep.reset();  // the last thing: it may end *this
      });
  if (!thread.ok()) return thread.status();
  ++running_;
  ++cores_;
  threads_.push_back(*std::move(thread));
  return absl::OkStatus();
}

void MultiThread::run_worker(uint32_t index) {
  context::Current here = here_;
  here.is_polling = true;
  sit(here, *workers_[index]);
  if (Watchdog* dog = watchdog()) dog->end_sleep();
  context::Enter enter(here);
  call(config().hooks.on_thread_start);
  if (!run_cores(workers_[index].get())) here_.services->blocking.visit();
  call(config().hooks.on_thread_stop);
}

void MultiThread::run_reactor(Seat& seat) {
  WakeBatch batch;
  context::Current here = here_;
  here.wake_batch = &batch;
  here.is_polling = true;
  context::Enter enter(here);
  call(config().hooks.on_thread_start);
  publish(seat, batch);  // the hook may have woken a task
  while (!is_stopping_driver()) {
    seat.driver.turn(Driver::Wait::kForEvents, *this);
    publish(seat, batch);
  }
  call(config().hooks.on_thread_stop);
  publish(seat, batch);
  end_core();
}

void MultiThread::publish(Seat& seat, WakeBatch& batch) {
  if (batch.empty()) return;
  seat.harvested.add(batch.tasks().size());
  injection_.push_all(batch.tasks());
  batch.tasks().clear();
  notify_one();  // fences
  if (lifeline().is_deserted()) [[unlikely]]
    drop_injected();
}

// --- Tasks -------------------------------------------------------------------

bool MultiThread::spawn(task::Header& task) noexcept {
  const context::Current& here = context::current();
  Worker* worker = core_of(here);
  if (worker == nullptr || announces_spawns()) [[unlikely]]
    return Flavor::spawn(task);
  if (!admit_silently(here.shard)) [[unlikely]]
    return false;
  worker->schedule(task, here);
  return true;
}

void MultiThread::schedule(task::Header& task) noexcept {
  const context::Current& here = context::current();
  if (Worker* worker = core_of(here)) [[likely]]
    return worker->schedule(task, here);
  schedule_from_outside(task, here);
}

void MultiThread::schedule_from_outside(task::Header& task,
                                        const context::Current& here) noexcept {
  if (here.services == here_.services && here.wake_batch != nullptr) {
    here.wake_batch->add(task);
    return;
  }
  lifeline().enter();
  injection_.push(&task);
  notify_one();  // fences
  // Once the workers have ended, holders take what waits.
  if (is_stopping()) [[unlikely]]
    wake_drivers();
  if (lifeline().is_deserted()) [[unlikely]] {
    drop_late();
  } else {
    lifeline().leave();
  }
}

void MultiThread::reschedule(task::Header& task) noexcept {
  // Whoever runs a task of ours holds a core, or drops what a shutdown left.
  if (auto* worker = static_cast<Worker*>(context::current().core)) [[likely]]
    return worker->reschedule(task);
  schedule(task);
}

void MultiThread::unpark(uint32_t worker) {
  notifications_.fetch_add(1, kRelaxed);
  workers_[worker]->unpark();
}

void MultiThread::wake_drivers() {
  for (Seat& seat : seats_) seat.driver.wake();
}

bool MultiThread::is_any_role_armed() const {
  return std::any_of(seats_.begin(), seats_.end(), [](const Seat& seat) {
    return seat.role.load().is_armed();
  });
}

std::size_t MultiThread::count_holders_at_tasks() const {
  if (!assists()) return 0;
  return std::count_if(seats_.begin(), seats_.end(), [](const Seat& seat) {
    return seat.role.load().is_running();  // [owed]
  });
}

// There are as many workers as may run tasks, and one more for each reactor: so
// for each that sleeps, one that holds a role must be at tasks in its place.
bool MultiThread::is_manned() const {
  return idle_.sleepers() <= count_holders_at_tasks();
}

bool MultiThread::may_owe_look() {
  if (count_holders_at_tasks() == 0) return false;
  look_owed_.store(true, std::memory_order_seq_cst);  // [owed]
  return count_holders_at_tasks() > 0;
}

void MultiThread::pay_look() {
  look_owed_.store(false, kRelaxed);
  base::heavy_fence();  // [sleep] pairs with the light fence in notify_one()
  if (has_work()) notify_one();
}

void MultiThread::demand_forks() {
  for (const auto& worker : workers_) worker->forks().deque().demand();
}

void MultiThread::wake_standby() {
  if (std::optional<uint32_t> standby = idle_.standby()) {
    workers_[*standby]->unpark();
  }
}

void MultiThread::leave_to_workers(task::Header& task) {
  long_queue_.push(&task);
  notify_one();  // fences
}

void MultiThread::inject(std::span<task::Header* const> tasks) {
  injection_.push_all(tasks);
  notify_one();  // fences
}

bool MultiThread::has_work() const {
  if (!injection_.empty() || !long_queue_.empty()) return true;
  for (const auto& worker : workers_) {
    if (worker->queue().size() > 0) return true;
    if (worker->forks().deque().has_public()) return true;
  }
  return false;
}

void MultiThread::before_park() {
  driver().on_idle();
  call_park_hook();
}

bool MultiThread::has_pending_work() const {
  const WakeBatch* batch = context::current().wake_batch;
  return batch != nullptr && !batch->empty();
}

bool MultiThread::is_quiescent() const {
  // A poller does not see what another one has in its hands.
  EDDY_CHECK(seats_.size() == 1,
             "the clock of a runtime with several reactors was paused: use "
             "Builder::reactor_threads(1) in tests that do");
  // Between two looks that see all workers asleep and none woken, and all jobs
  // settled and none new, only a block_on() can have done something; that is
  // looked at in between. A job wakes it before it settles, and what it spawns
  // is there before it counts as waiting.
  const Idle::Snapshot before = idle_.snapshot();
  if (!before.all_parked) return false;
  const blocking::Metrics jobs = here_.services->blocking.metrics();
  if (jobs.admitted_jobs != jobs.settled_jobs) return false;
  if (is_block_on_woken()) return false;  // before it counts as running
  if (block_ons_running_.load(kAcquire) > 0) return false;
  if (absences().count() > 0) return false;
  if (here_.services->blocking.metrics().admitted_jobs != jobs.admitted_jobs) {
    return false;
  }
  if (!injection_.empty() || !long_queue_.empty()) return false;
  if (has_pending_work()) return false;
  const Idle::Snapshot after = idle_.snapshot();
  return after.all_parked && after.epoch == before.epoch;
}

void MultiThread::block_on(MainFuture& future) {
  EDDY_CHECK(!context::current().is_polling,
             "block_on() inside a task or another block_on(): co_await the "
             "future, or call it in spawn_blocking()");
  BlockOnWaker& main = *BlockOnWaker::create();
  const Waker waker = Waker::adopt(&main);
  BlockOnScope scope(*this, main);
  context::Current inside = here_;
  inside.is_polling = true;
  context::Enter enter(inside);
  block_ons_running_.fetch_add(1, kAcqRel);
  struct Running {
    MultiThread& scheduler;
    ~Running() {
      scheduler.block_ons_running_.fetch_sub(1, kAcqRel);
      scheduler.driver().on_idle();
    }
  } running{*this};
  for (;;) {
    while (main.take()) {
      rethrow_fatal();
      Context cx(waker);
      if (future.poll(cx)) return;
      if (cx.wake_requested()) waker.wake();
    }
    rethrow_fatal();
    block_ons_running_.fetch_sub(1, kAcqRel);
    driver().on_idle();
    main.park();
    block_ons_running_.fetch_add(1, kAcqRel);
  }
}

// --- The end -----------------------------------------------------------------

void MultiThread::stop_workers(Deadline deadline) {
  stopping_.store(true, kRelease);  // [stop]
  for (const auto& worker : workers_) worker->unpark();
  wake_drivers();  // the holders look for what stuck workers leave
  // Those that are left have the roles.
  wait_for_cores(static_cast<uint32_t>(seats_.size()), deadline);
}

std::vector<StuckTask> MultiThread::stop_driver(Deadline deadline) {
  stopping_driver_.store(true, kRelease);  // [stop]
  wake_drivers();
  wait_for_cores(0, deadline);
  lifeline().desert();
  for (;;) {
    drop_injected();
    if (lifeline().calls_over() && live().alive() == 0) break;
    if (is_our_thread()) break;  // its own task is alive
    const Deadline now = std::chrono::steady_clock::now();
    if (now >= deadline) break;
    if (absences().count() > 0) {
      (void)absences().wait_for_all(now + std::chrono::milliseconds(1));
    } else {
      std::this_thread::yield();
    }
  }
  wait_for_threads(deadline);
  // Calls that have not seen desert() are a few instructions from their end.
  while (!lifeline().calls_over()) std::this_thread::yield();
  std::vector<base::Thread> threads;
  bool all_ended;
  {
    base::MutexLock lock(&mutex_);
    threads.swap(threads_);
    all_ended = running_ == 0;
  }
  for (base::Thread& thread : threads) {
    if (all_ended) {
      thread.join();
    } else {
      thread.detach();  // it keeps alive what it touches
    }
  }
  std::vector<TaskId> running;
  for (const auto& worker : workers_) {
    if (worker->running() != TaskId()) running.push_back(worker->running());
  }
  std::vector<StuckTask> stuck = stuck_tasks(running);
  release_if_over();
  return stuck;
}

bool MultiThread::is_our_thread() const {
  const context::Current& here = context::current();
  if (absences().is_absent()) return true;
  return here.services == here_.services &&
         (here.core != nullptr || here.wake_batch != nullptr);
}

void MultiThread::wait_for_cores(uint32_t at_most, Deadline deadline) {
  if (is_our_thread()) return;  // it can't wait for itself
  base::MutexLock lock(&mutex_);
  while (cores_ > at_most) {
    if (!ended_.wait_until(mutex_, deadline)) return;
  }
}

// Cores have ended; a thread without one may still be at its poll.
void MultiThread::wait_for_threads(Deadline deadline) {
  if (is_our_thread()) return;
  (void)absences().wait_for_all(deadline);
  base::MutexLock lock(&mutex_);
  while (running_ > 0) {
    if (!ended_.wait_until(mutex_, deadline)) return;
  }
}

// No worker takes tasks any more. What is still queued was cancelled: to run it
// is to drop its future.
void MultiThread::drop_injected() {
  std::optional<context::Enter> enter;
  if (!is_our_thread()) enter.emplace(here_);
  for (InjectionQueue* queue : {&injection_, &long_queue_}) {
    InjectionQueue::Consumer consumer(*queue);
    while (task::Header* task = consumer.pop_until_empty()) {
      dropped_.fetch_add(1, kRelaxed);
      run(*task);
    }
  }
}

// By schedule(), in place of leave().
void MultiThread::drop_late() {
  const Lifeline::Keep keep = lifeline().hold();
  lifeline().leave();
  drop_injected();
  release_if_over();
}

// May end *this, if the caller holds nothing that keeps it alive.
void MultiThread::release_if_over() {
  if (!lifeline().is_deserted()) return;
  {
    base::MutexLock lock(&mutex_);
    if (running_ > 0 || cores_ > 0) return;
  }
  if (live().alive() > 0 || !lifeline().calls_over()) return;
  const Lifeline::Keep last = lifeline().cut();
}

void MultiThread::add_metrics(Metrics& metrics) const {
  metrics.workers = config().workers;
  metrics.injection_queue_depth = injection_.size() + long_queue_.size();
  metrics.schedules += lifeline().calls();
  for (const Seat& seat : seats_) metrics.schedules += seat.harvested.get();
  metrics.polls += dropped_.load(kRelaxed);
  metrics.notifications = notifications_.load(kRelaxed);
  metrics.migrations = migrations_.load(kRelaxed);
  for (const auto& worker : workers_) worker->add_metrics(metrics);
}

}  // namespace eddy::scheduler
