// The part of Core that is a thread's life: how it starts, serves jobs and
// errands, waits, and leaves.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <thread>
#include <utility>

#include "runtime/base/status.h"
#include "runtime/blocking/core.h"
#include "runtime/blocking/pool.h"

namespace eddy::blocking {
namespace {

constexpr auto kSeqCst = std::memory_order_seq_cst;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;

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

Core::Seat& Core::seat() noexcept {
  static thread_local constinit Seat this_threads;
  return this_threads;
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

// The life of a thread.

void Core::run_thread(Slot& slot) {
  seat() = {.core = this, .slot = &slot};
  context::Current context;
  Rest first;
  {
    base::MutexLock lock(&mu_);
    note_peak();
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
  Clock::time_point now = {};
  while (rest != Rest::kLeave) {
    if (rest == Rest::kSent) {
      if (std::exchange(is_new, false)) run_hook(options_.on_thread_start);
      rest = run_errand(slot);
      continue;
    }
    const Queued queued = take_job();
    if (rest == Rest::kRecruited) recruit_arrived();
    if (std::exchange(is_new, false)) run_hook(options_.on_thread_start);
    rest = Rest::kLookAgain;
    if (queued.job != nullptr) {
      now = run_job(slot, queued, now);
    } else {
      rest = wait_for_job(slot);
      now = {};
    }
  }
  if (!slot.is_guest) run_hook(options_.on_thread_stop);
}

// The clock is read once for each job, as long as they come one after the
// other.
Clock::time_point Core::run_job(Slot& slot, Queued queued,
                                Clock::time_point now) {
  task::Header& job = *queued.job;
  const Clock::time_point start =
      std::max(now == Clock::time_point() ? Clock::now() : now, queued.since);
  slot.wait_time.add(start - queued.since);
  job.retain();  // for stuck_jobs()
  {
    base::MutexLock lock(&slot.job_mutex);
    slot.job = &job;
    slot.job_start = start;
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
  const Clock::time_point end = Clock::now();
  slot.run_time.add(end - start);
  settle();
  return end;
}

// Afterwards the thread is one more that takes jobs, unless there are enough.
Core::Rest Core::run_errand(Slot& slot) {
  Errand* errand;
  {
    base::MutexLock lock(&mu_);
    errand = std::exchange(slot.errand, nullptr);
  }
  seat().is_lent = true;
  errand->run_errand();
  seat().is_lent = false;
  base::MutexLock lock(&mu_);
  --lent_;
  ++threads_;
  update_wants_recruit();
  if (is_closed() || threads_ > options_.max_threads) return Rest::kLeave;
  note_peak();
  ++takers_;
  return Rest::kLookAgain;
}

// Who comes back from an errand to a pool that is full counts until it has
// left.
void Core::note_peak() {
  peak_threads_ =
      std::max(peak_threads_, std::min(threads_, options_.max_threads));
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
  {
    base::MutexLock lock(&mu_);
    slot.recruited = false;
    slot.called.store(false, kRelaxed);
    push_idle(slot);
    update_wants_recruit();
    // Afterwards, or a push() in between would have nobody.
    if (!queue_.empty()) slot.called.store(true, kRelaxed);
  }
  linger(slot);
  base::MutexLock lock(&mu_);
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

// Of the threads that are idle it is the one that came last, and is used first.
// A hint only: what it was called for, it looks up afterwards. [linger] Who is
// seen to have called has left the lock, or is about to.
void Core::linger(Slot& slot) {
  constexpr uint32_t kMostVain = 4, kSeldom = 32;
  if (options_.linger <= Clock::duration::zero()) return;
  if (slot.vain_lingers >= kMostVain && ++slot.vain_lingers % kSeldom != 0) {
    return;
  }
  if (is_lingering_.exchange(true, kRelaxed)) return;
  const Clock::time_point until = Clock::now() + options_.linger;
  bool is_called;
  while (!(is_called = slot.called.load(kAcquire)) &&  // [linger]
         Clock::now() < until) {
    // To whom the job has woken, if that is to run on this very processor.
    std::this_thread::yield();
  }
  is_lingering_.store(false, kRelaxed);
  slot.vain_lingers = is_called ? 0 : slot.vain_lingers + 1;
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

Core::Slot* Core::take_free_slot() noexcept {
  if (free_ == nullptr) {
    try {
      return &slots_.emplace_back();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
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
  Recruit instead;
  {
    base::MutexLock lock(&mu_);
    if (is_closed()) return false;
    idle = idle_;
    if (idle != nullptr) {
      remove_idle(*idle);
      --threads_;
      --takers_;
      idle->errand = &errand;
      idle->called.store(true, std::memory_order_release);  // [linger]
      update_wants_recruit();
      // It may have been about to look at the queue.
      instead = recruit();
    } else {
      fresh = take_free_slot();
      if (fresh == nullptr) return false;
      fresh->errand = &errand;
    }
    ++lent_;
  }
  if (idle != nullptr) {
    idle->changed.notify_one();
    deliver(instead);
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
    if (slot == nullptr) return;
    slot->is_guest = true;
    slot->name = name;
    ++threads_;
    ++takers_;
    note_peak();
    update_wants_recruit();
    context = context_;
  }
  seat() = {.core = this, .slot = slot};
  context.is_blocking_thread = true;
  {
    context::Enter entered(context);
    do {
      serve(*slot, Rest::kLookAgain);
    } while (!end_thread(*slot));
  }
  seat() = {};
}

}  // namespace eddy::blocking
