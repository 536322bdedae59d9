#include "runtime/blocking/core.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/status.h"
#include "runtime/blocking/call.h"
#include "runtime/blocking/pool.h"

namespace eddy::blocking {
namespace {

constexpr auto kSeqCst = std::memory_order_seq_cst;
constexpr auto kRelaxed = std::memory_order_relaxed;

// Where this thread sits, if it is one of a pool's.
struct Seat {
  const Core* core = nullptr;
  const void* slot = nullptr;
  bool is_lent = false;
};
thread_local constinit Seat seat;

// The kernel keeps 15 characters. A number at the end tells threads apart, so
// what goes is in front of it: eddy-blockin-10.
std::string fit_for_kernel(const std::string& name) {
  constexpr size_t kLongest = 15;
  if (name.size() <= kLongest) return name;
  const size_t dash = name.rfind('-');
  const std::string number =
      dash == std::string::npos ? std::string() : name.substr(dash);
  if (number.size() >= kLongest) return name.substr(0, kLongest);
  return name.substr(0, kLongest - number.size()) + number;
}

}  // namespace

Core::Core(Options options)
    : options_(std::move(options)), places_(options_.max_queued) {
  EDDY_CHECK(options_.max_threads > 0, "a blocking pool without threads");
}

Core::~Core() {
  if (last_ended_.joinable()) last_ended_.detach();
}

// Jobs arrive.

// There is no list of live jobs: the queue and the slots of the threads are it.
bool Core::admit(task::Header&) noexcept {
  if (is_closed()) return false;
  admitted_.fetch_add(1, kRelaxed);
  return true;
}

// A job is ready at its first poll: it never waits.
bool Core::enlist(task::Header&) noexcept { return true; }

bool Core::dismiss(task::Header&) noexcept {
  finished_.fetch_add(1, kRelaxed);
  return true;
}

void Core::unhandled(std::exception_ptr error) noexcept {
  if (options_.unhandled) options_.unhandled(std::move(error));
}

void Core::schedule(task::Header& job) noexcept {
  if (!queue_.push(job)) {
    places_.give();
    refuse(job, std::make_exception_ptr(std::bad_alloc()));
    settle();
    return;
  }
  if (closed_.load(kSeqCst)) {  // [close]
    cancel_queued();
    return;
  }
  if (!wants_recruit_.load(kSeqCst)) return;  // [recruit]
  Recruit chosen;
  {
    base::MutexLock lock(&mu_);
    chosen = recruit();
  }
  deliver(chosen);
}

// A job is ready at its first poll, so it never asks for another.
void Core::reschedule(task::Header& job) noexcept { schedule(job); }

// Recruiting.

Core::Recruit Core::recruit() {
  if (recruiting_ || queue_.empty() || closed_.load(kRelaxed)) return {};
  Recruit chosen;
  if (idle_ != nullptr) {
    chosen.idle = idle_;
    remove_idle(*chosen.idle);
    chosen.idle->recruited = true;
  } else if (threads_ < options_.max_threads) {
    chosen.fresh = take_free_slot();
    ++takers_;
    ++threads_;
  } else {
    return {};
  }
  recruiting_ = true;
  update_wants_recruit();
  return chosen;
}

void Core::deliver(Recruit chosen) {
  if (chosen.idle != nullptr) chosen.idle->changed.notify_one();
  if (chosen.fresh == nullptr) return;
  if (int error = start_thread(*chosen.fresh)) {
    start_failed(*chosen.fresh, error);
  }
}

// By the recruit, once it has had its look at the queue.
void Core::recruit_arrived() {
  Recruit next;
  {
    base::MutexLock lock(&mu_);
    recruiting_ = false;
    update_wants_recruit();
    next = recruit();
  }
  deliver(next);
}

// Whoever turns it on looks at the queue afterwards.
void Core::update_wants_recruit() {
  const bool possible = idle_ != nullptr || threads_ < options_.max_threads;
  wants_recruit_.store(!recruiting_ && possible, kSeqCst);  // [recruit]
}

std::string Core::next_name() {
  if (options_.thread_name) {
    try {
      return fit_for_kernel(options_.thread_name());
    } catch (...) {
      unhandled(std::current_exception());
    }
  }
  return fit_for_kernel("eddy-blocking-" +
                        std::to_string(names_.fetch_add(1, kRelaxed)));
}

int Core::start_thread(Slot& slot) {
  absl::StatusOr<base::Thread> thread;  // not started
  int error = ENOMEM;
  try {
    std::string name = next_name();
    {
      base::MutexLock lock(&mu_);
      slot.name = name;
    }
    thread = base::Thread::start(
        {.name = std::move(name), .stack_size = options_.stack_size},
        [self = shared_from_this(), &slot] { self->run_thread(slot); });
    error = base::errno_of(thread.status());
  } catch (const std::bad_alloc&) {
  }
  if (!thread.ok()) return error;
  base::MutexLock lock(&mu_);
  slot.thread = *std::move(thread);
  slot.changed.notify_one();  // in case that it has ended already
  return 0;
}

// A job that waits is left for the threads that live. If there are none, it
// fails, with all that have come since.
void Core::start_failed(Slot& slot, int error) {
  Recruit instead;
  bool nobody_left = false;
  {
    base::MutexLock lock(&mu_);
    free_slot(slot);
    --threads_;
    --takers_;
    recruiting_ = false;
    update_wants_recruit();
    if (idle_ != nullptr) instead = recruit();
    nobody_left = takers_ == 0;
  }
  thread_ended_.notify_all();
  deliver(instead);
  if (!nobody_left) return;
  const auto why = std::make_exception_ptr(ThreadCreationFailed(error));
  while (task::Header* job = take_job()) {
    refuse(*job, why);
    settle();
  }
}

// The life of a thread.

void Core::run_thread(Slot& slot) {
  seat = {.core = this, .slot = &slot};
  context::Current context;
  Rest first;
  {
    base::MutexLock lock(&mu_);
    peak_threads_ = std::max(peak_threads_, threads_);
    context = context_;
    first = slot.errand != nullptr ? Rest::kSent : Rest::kRecruited;
  }
  context.is_blocking_thread = true;
  context::Enter entered(context);

  serve(slot, first);
  while (!end_thread(slot)) serve(slot, Rest::kLookAgain);
}

// Runs jobs until there have been none for the keep-alive time.
void Core::serve(Slot& slot, Rest rest) {
  // A guest's hooks are its owner's to call.
  bool is_new = !slot.is_guest;
  while (rest != Rest::kLeave) {
    if (rest == Rest::kSent) {
      if (std::exchange(is_new, false)) run_hook(options_.on_thread_start);
      rest = run_errand(slot);
      continue;
    }
    task::Header* job = take_job();
    if (rest == Rest::kRecruited) recruit_arrived();
    if (std::exchange(is_new, false)) run_hook(options_.on_thread_start);
    rest = Rest::kLookAgain;
    if (job != nullptr) {
      run_job(slot, *job);
    } else {
      rest = wait_for_job(slot);
    }
  }
  if (!slot.is_guest) run_hook(options_.on_thread_stop);
}

void Core::run_job(Slot& slot, task::Header& job) {
  job.retain();  // for stuck_jobs()
  {
    base::MutexLock lock(&slot.job_mutex);
    slot.job = &job;
    slot.job_start = Clock::now();
  }
  context::current().task = &job;
  if (closed_.load(kSeqCst)) job.abort();
  job.run();
  context::current().task = nullptr;
  {
    base::MutexLock lock(&slot.job_mutex);
    slot.job = nullptr;
  }
  job.release();
  settle();
}

// Afterwards the thread is one more that takes jobs, unless there are enough.
Core::Rest Core::run_errand(Slot& slot) {
  Errand* errand;
  {
    base::MutexLock lock(&mu_);
    errand = std::exchange(slot.errand, nullptr);
  }
  seat.is_lent = true;
  errand->run_errand();
  seat.is_lent = false;
  base::MutexLock lock(&mu_);
  --lent_;
  ++threads_;
  update_wants_recruit();
  if (is_closed() || threads_ > options_.max_threads) return Rest::kLeave;
  peak_threads_ = std::max(peak_threads_, threads_);
  ++takers_;
  return Rest::kLookAgain;
}

// A job has ended, and whoever waited for it was woken.
void Core::settle() {
  settled_.fetch_add(1, std::memory_order_release);  // [settle]
  if (options_.on_job_settled) options_.on_job_settled();
}

void Core::run_hook(const std::function<void()>& hook) {
  if (!hook) return;
  try {
    hook();
  } catch (...) {
    unhandled(std::current_exception());
  }
}

// Idle until there may be something to do.
Core::Rest Core::wait_for_job(Slot& slot) {
  base::MutexLock lock(&mu_);
  slot.recruited = false;
  push_idle(slot);
  update_wants_recruit();
  const Clock::time_point now = Clock::now();
  const bool forever = options_.keep_alive > Clock::time_point::max() - now;
  const Clock::time_point deadline =
      forever ? Clock::time_point::max() : now + options_.keep_alive;
  bool expired = false;
  for (;;) {
    if (slot.recruited) return Rest::kRecruited;
    if (slot.errand != nullptr) return Rest::kSent;
    // Looked at after the announcement, and once more before leaving.
    if (!queue_.empty() || expired || closed_.load(kRelaxed)) break;
    expired = !slot.changed.wait_until(mu_, deadline);
  }
  remove_idle(slot);
  update_wants_recruit();
  if (!queue_.empty()) return Rest::kLookAgain;
  --takers_;
  return Rest::kLeave;
}

// False: there is a job for which no other thread could be had while this one
// was leaving.
bool Core::end_thread(Slot& slot) {
  base::Thread ended;
  std::shared_ptr<const void> keep;
  {
    base::MutexLock lock(&mu_);
    while (!slot.is_guest && !slot.thread.joinable()) slot.changed.wait(mu_);
    --threads_;
    update_wants_recruit();  // there may be room for a thread again
    if (!queue_.empty() && !is_closed() && threads_ < options_.max_threads) {
      ++threads_;
      ++takers_;
      update_wants_recruit();
      return false;
    }
    ended = retire(slot);
    if (is_over()) keep = std::move(keep_);
  }
  thread_ended_.notify_all();
  if (ended.joinable()) ended.join();
  return true;
}

base::Thread Core::retire(Slot& slot) {
  const bool is_guest = std::exchange(slot.is_guest, false);
  base::Thread ended = std::move(slot.thread);
  free_slot(slot);
  if (is_guest) return {};
  if (abandoned_) {
    ended.detach();
    return {};
  }
  // A thread cannot join itself: it joins the one that ended before it. Who
  // ended starts no thread, so no two wait for each other.
  std::swap(ended, last_ended_);
  return ended;
}

Core::Slot* Core::take_free_slot() {
  if (free_ == nullptr) return &slots_.emplace_back();
  Slot* slot = std::exchange(free_, free_->below);
  slot->below = nullptr;
  return slot;
}

void Core::free_slot(Slot& slot) { slot.below = std::exchange(free_, &slot); }

void Core::push_idle(Slot& slot) {
  slot.above = nullptr;
  slot.below = idle_;
  if (idle_ != nullptr) idle_->above = &slot;
  idle_ = &slot;
  ++idle_count_;
}

void Core::remove_idle(Slot& slot) {
  (slot.above != nullptr ? slot.above->below : idle_) = slot.below;
  if (slot.below != nullptr) slot.below->above = slot.above;
  slot.above = slot.below = nullptr;
  --idle_count_;
}

// Errands and visits.

// It takes a thread from those that are idle, or a new one. The others don't
// miss it: threads_ falls, so that one more may be started.
bool Core::send(Errand& errand) {
  Slot* idle;
  Slot* fresh = nullptr;
  {
    base::MutexLock lock(&mu_);
    if (is_closed()) return false;
    idle = idle_;
    if (idle != nullptr) {
      remove_idle(*idle);
      --threads_;
      --takers_;
      idle->errand = &errand;
      update_wants_recruit();
    } else {
      fresh = take_free_slot();
      fresh->errand = &errand;
    }
    ++lent_;
  }
  if (idle != nullptr) {
    idle->changed.notify_one();
    return true;
  }
  if (start_thread(*fresh) == 0) return true;
  {
    base::MutexLock lock(&mu_);
    fresh->errand = nullptr;
    free_slot(*fresh);
    --lent_;
  }
  thread_ended_.notify_all();
  return false;
}

void Core::visit() {
  Slot* slot;
  context::Current context;
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof(name));
  {
    base::MutexLock lock(&mu_);
    if (is_closed() || threads_ >= options_.max_threads) return;
    slot = take_free_slot();
    slot->is_guest = true;
    slot->name = name;
    ++threads_;
    ++takers_;
    peak_threads_ = std::max(peak_threads_, threads_);
    update_wants_recruit();
    context = context_;
  }
  seat = {.core = this, .slot = slot};
  context.is_blocking_thread = true;
  {
    context::Enter entered(context);
    do {
      serve(*slot, Rest::kLookAgain);
    } while (!end_thread(*slot));
  }
  seat = {};
}

// The end.

std::vector<StuckJob> Core::shutdown(Clock::time_point deadline) {
  close();
  close_classes();
  cancel_queued();
  places_.close();
  std::vector<StuckJob> stuck;
  base::Thread last;
  std::shared_ptr<const void> keep;
  {
    base::MutexLock lock(&mu_);
    while (!is_quiet() && thread_ended_.wait_until(mu_, deadline)) {
    }
    if (threads_ > 0) {
      abandoned_ = true;
      stuck = stuck_jobs();
    }
    if (is_over()) keep = std::move(keep_);
    last = std::move(last_ended_);
  }
  if (last.joinable()) last.join();
  return stuck;
}

// Waits for the threads that are lent, too.
void Core::join(Clock::time_point deadline) {
  base::Thread last;
  {
    base::MutexLock lock(&mu_);
    const size_t own = seat.core == this ? 1 : 0;
    while (threads_ + lent_ > own) {
      if (!thread_ended_.wait_until(mu_, deadline)) break;
    }
    if (threads_ + lent_ > 0) abandoned_ = true;
    last = std::move(last_ended_);
  }
  if (last.joinable()) last.join();
}

void Core::close() {
  base::MutexLock lock(&mu_);
  closed_.store(true, kSeqCst);  // [close]
  for (Slot* slot = idle_; slot != nullptr; slot = slot->below) {
    slot->changed.notify_one();
  }
}

void Core::cancel_queued() noexcept {
  while (task::Header* job = queue_.pop()) cancel(*job);
}

void Core::cancel(task::Header& job) noexcept {
  places_.give();
  job.abort();
  job.run();
  settle();
}

task::Header* Core::take_job() noexcept {
  task::Header* job = queue_.pop();
  if (job != nullptr) places_.give();
  return job;
}

// After the pool itself, which cancels what they pass on meanwhile.
void Core::close_classes() {
  std::vector<ClassQueue*> classes;
  {
    base::MutexLock lock(&mu_);
    for (const auto& [kind, queue] : classes_) classes.push_back(queue.get());
  }
  for (ClassQueue* queue : classes) queue->close();
}

ClassQueue& Core::class_queue(const BlockingClass& kind) {
  base::MutexLock lock(&mu_);
  std::unique_ptr<ClassQueue>& queue = classes_[kind.identity()];
  if (queue == nullptr) queue = std::make_unique<ClassQueue>(*this, kind);
  return *queue;
}

// But for the thread that asks, if it is one of the pool's.
bool Core::is_quiet() const {
  return threads_ == (seat.core == this && !seat.is_lent ? 1 : 0);
}

std::vector<StuckJob> Core::stuck_jobs() {
  const Clock::time_point now = Clock::now();
  std::vector<StuckJob> stuck;
  for (Slot& slot : slots_) {
    if (&slot == seat.slot) continue;  // who asks is not stuck
    base::MutexLock lock(&slot.job_mutex);
    if (slot.job == nullptr) continue;
    stuck.push_back({.id = slot.job->id(),
                     .name = std::string(slot.job->name()),
                     .thread_name = slot.name,
                     .running_time = now - slot.job_start});
  }
  return stuck;
}

void Core::set_context(const context::Current& current,
                       std::shared_ptr<const void> keep) {
  base::MutexLock lock(&mu_);
  context_ = current;
  keep_.swap(keep);
}

Metrics Core::metrics() const {
  Metrics metrics;
  // In this order, so that no more have finished than were admitted.
  metrics.settled_jobs = settled_.load(std::memory_order_acquire);  // [settle]
  metrics.finished_jobs = finished_.load(std::memory_order_acquire);
  metrics.admitted_jobs = admitted_.load(kRelaxed);
  metrics.queued_jobs = queue_.size();
  base::MutexLock lock(&mu_);
  for (const auto& [kind, queue] : classes_) {
    metrics.queued_jobs += queue->waiting();
  }
  metrics.threads = threads_;
  metrics.idle_threads = idle_count_;
  metrics.peak_threads = peak_threads_;
  return metrics;
}

}  // namespace eddy::blocking
