#include "runtime/blocking/core.h"

#include <cerrno>
#include <new>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/blocking/call.h"

namespace eddy::blocking {
namespace {

constexpr auto kSeqCst = std::memory_order_seq_cst;
constexpr auto kRelaxed = std::memory_order_relaxed;

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
  if (!queue_.push(job, Clock::now())) {
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

Core::Queued Core::take_job() noexcept {
  Queued queued;
  queued.job = queue_.pop(&queued.since);
  if (queued.job != nullptr) places_.give();
  return queued;
}

// Recruiting.

Core::Recruit Core::recruit() {
  if (queue_.empty() || closed_.load(kRelaxed)) return {};
  if (recruits_ > 0 && (idle_ != nullptr || recruits_ >= kMostRecruits ||
                        queue_.size() <= recruits_)) {
    return {};
  }
  Recruit chosen;
  if (idle_ != nullptr) {
    chosen.idle = idle_;
    remove_idle(*chosen.idle);
    chosen.idle->recruited = true;
    chosen.idle->called.store(true, std::memory_order_release);  // [linger]
  } else if (threads_ < options_.max_threads) {
    chosen.is_fresh = true;
    chosen.fresh = take_free_slot();
    ++takers_;
    ++threads_;
  } else {
    return {};
  }
  ++recruits_;
  update_wants_recruit();
  return chosen;
}

void Core::deliver(Recruit chosen) {
  if (chosen.idle != nullptr) chosen.idle->changed.notify_one();
  if (!chosen.is_fresh) return;
  const int error =
      chosen.fresh != nullptr ? start_thread(*chosen.fresh) : ENOMEM;
  if (error != 0) start_failed(chosen.fresh, error);
}

// By the recruit, once it has had its look at the queue.
void Core::recruit_arrived() {
  Recruit next, another;
  {
    base::MutexLock lock(&mu_);
    --recruits_;
    update_wants_recruit();
    next = recruit();
    if (next.is_fresh) another = recruit();
  }
  deliver(next);
  deliver(another);
}

// Whoever turns it on looks at the queue afterwards.
void Core::update_wants_recruit() {
  const bool possible = idle_ != nullptr || threads_ < options_.max_threads;
  wants_recruit_.store(recruits_ == 0 && possible, kSeqCst);  // [recruit]
}

// A job that waits is left for the threads that live. If there are none, it
// fails, with all that have come since.
void Core::start_failed(Slot* slot, int error) {
  Recruit instead;
  bool nobody_left = false;
  {
    base::MutexLock lock(&mu_);
    if (slot != nullptr) free_slot(*slot);
    --threads_;
    --takers_;
    --recruits_;
    update_wants_recruit();
    if (idle_ != nullptr) instead = recruit();
    nobody_left = takers_ == 0;
  }
  thread_ended_.notify_all();
  deliver(instead);
  if (!nobody_left) return;
  const auto why = std::make_exception_ptr(ThreadCreationFailed(error));
  while (task::Header* job = take_job().job) {
    refuse(*job, why);
    settle();
  }
}

// What others ask for.

ClassQueue& Core::class_queue(const BlockingClass& kind) {
  base::MutexLock lock(&mu_);
  auto found = classes_.find(kind.identity());
  if (found == classes_.end()) {
    auto queue = std::make_unique<ClassQueue>(*this, kind);
    found = classes_.emplace(kind.identity(), std::move(queue)).first;
  }
  return *found->second;
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
  for (const Slot& slot : slots_) {
    slot.wait_time.add_to(metrics.wait_time);
    slot.run_time.add_to(metrics.run_time);
  }
  metrics.threads = threads_;
  metrics.idle_threads = idle_count_;
  metrics.peak_threads = peak_threads_;
  return metrics;
}

}  // namespace eddy::blocking
