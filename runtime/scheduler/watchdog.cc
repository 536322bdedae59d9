#include "runtime/scheduler/watchdog.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/base/check.h"
#include "runtime/context/current.h"
#include "runtime/scheduler/hooks.h"
#include "runtime/scheduler/stack_sampler.h"
#include "runtime/task/header.h"

namespace eddy::scheduler {
namespace {

using base::StackTrace;

constexpr int kLooksPerThreshold = 4;
// So many looks at nothing, and it sleeps.
constexpr int kLinger = 16;
// How long a thread may take to answer.
constexpr auto kPatience = std::chrono::milliseconds(500);
// More places than a program has; what is not remembered is only counted.
constexpr std::size_t kMostPlaces = 1024;

// What resumes a coroutine, or polls the leaf that it waits for; and what is
// between the two where nothing is inlined.
bool resumes(std::string_view function) {
  return function.starts_with("eddy::task::PromiseBase::") ||
         function.starts_with("eddy::task::LeafAwaiter") ||
         (function.starts_with("std::") &&
          function.find("coroutine_handle<") != std::string_view::npos);
}

// The kernel's, and not ours: the thread may be one of the user's.
std::string name_of_thread(pid_t thread) {
  std::string name;
  std::ifstream comm(absl::StrCat("/proc/self/task/", thread, "/comm"));
  std::getline(comm, name);
  return name;
}

}  // namespace

uintptr_t place_of(std::span<const StackTrace::Frame> frames,
                   std::span<const std::string> names) {
  for (std::size_t i = 1; i < frames.size(); ++i) {
    if (!resumes(names[i]) || resumes(names[i - 1])) continue;
    // Its own instructions change while it computes.
    if (i == 1) return StackTrace::function_of(frames[0]);
    return frames[i - 1].pc;
  }
  // A future that is no coroutine, or no symbols: the functions tell.
  uintptr_t hash = 1;
  for (const StackTrace::Frame& frame : frames) {
    hash = hash * 31 + StackTrace::function_of(frame);
  }
  return hash;
}

// Asked of the thread that is at the poll.
class Watchdog::Interrogation final : public StackSampler::Question {
 public:
  Interrogation(const Cores& cores, std::size_t core, const CoreLook& expected)
      : cores_(cores), core_(core), expected_(expected) {}

  void answer() noexcept override {
    const CoreLook now = cores_.look_at_core(core_);
    is_over_ = !now.is_at_a_poll || now.turn != expected_.turn;
    if (is_over_) return;
    trace_.capture();
    // In stolen forks it is their owner, which may have ended.
    if (now.task == TaskId()) return;
    const task::Header* task = context::current().task;
    if (task == nullptr || task->id() != now.task) return;
    const std::string_view name = task->name();
    name_size_ = name.copy(name_, sizeof(name_));
  }

  // The poll has ended meanwhile.
  bool is_over() const { return is_over_; }
  std::span<const StackTrace::Frame> frames() const { return trace_.frames(); }
  std::string task_name() const { return std::string(name_, name_size_); }

 private:
  const Cores& cores_;
  const std::size_t core_;
  const CoreLook expected_;
  bool is_over_ = false;
  StackTrace trace_;
  char name_[256];
  std::size_t name_size_ = 0;
};

Watchdog::Watchdog(const Cores& cores, Options options)
    : cores_(cores),
      options_(std::move(options)),
      interval_(options_.threshold / kLooksPerThreshold),
      seen_(options_.cores) {}

Watchdog::~Watchdog() = default;

absl::Status Watchdog::start(std::shared_ptr<const void> keep) {
  StackSampler::prepare();
  absl::StatusOr<base::Thread> thread = base::Thread::start(
      {.name = "eddy-watchdog"}, [this, keep = std::move(keep)]() mutable {
        run();
        keep.reset();  // the last thing: it may end *this
      });
  if (!thread.ok()) return thread.status();
  thread_ = *std::move(thread);
  return absl::OkStatus();
}

void Watchdog::stop(Clock::time_point deadline) {
  if (!thread_.joinable()) return;
  bool is_free;
  {
    base::MutexLock lock(&mutex_);
    is_stopping_ = true;
    changed_.notify_all();
    // From inside of the hook it can't wait for itself.
    while (!has_ended_ && !thread_.is_current()) {
      if (!changed_.wait_until(mutex_, deadline)) break;
    }
    is_free = has_ended_;
  }
  if (is_free) {
    thread_.join();
  } else {
    thread_.detach();  // it keeps alive what it touches
  }
}

void Watchdog::run() {
  int quiet_looks = 0;
  for (;;) {
    quiet_looks = look_at_all() ? 0 : quiet_looks + 1;
    base::MutexLock lock(&mutex_);
    if (!is_stopping_ && quiet_looks >= kLinger) doze();
    const Clock::time_point next = Clock::now() + interval_;
    while (!is_stopping_ && changed_.wait_until(mutex_, next)) {
    }
    if (!is_stopping_) continue;
    has_ended_ = true;
    changed_.notify_all();
    return;
  }
}

void Watchdog::doze() {
  dozes_.store(true, std::memory_order_seq_cst);  // [doze]
  while (!is_stopping_ && dozes_.load(std::memory_order_relaxed)) {
    if (awake_.load(std::memory_order_seq_cst) > 0) break;  // [doze]
    changed_.wait(mutex_);
  }
  dozes_.store(false, std::memory_order_relaxed);
}

void Watchdog::rouse() {
  base::MutexLock lock(&mutex_);
  dozes_.store(false, std::memory_order_relaxed);
  changed_.notify_all();
}

// True: something has run, or runs.
bool Watchdog::look_at_all() {
  bool is_active = false;
  for (std::size_t core = 0; core < seen_.size(); ++core) {
    is_active |= look_at(core);
  }
  return is_active;
}

bool Watchdog::look_at(std::size_t core) {
  const CoreLook look = cores_.look_at_core(core);
  // After the look, and not one time for all: to examine a core may take long.
  const Clock::time_point now = Clock::now();
  Seen& seen = seen_[core];
  const bool has_moved = look.turn != seen.look.turn;
  if (!look.is_at_a_poll || has_moved || !seen.look.is_at_a_poll) {
    seen = {.look = look, .since = now};
    return look.is_at_a_poll || has_moved;
  }
  if (seen.is_counted || now - seen.since < options_.threshold) return true;
  seen.is_counted = true;
  seen.look.thread = look.thread;
  const std::optional<BlockedPoll> news = examine(core, seen, now);
  // Only now: who has seen the count knows that its thread is left alone.
  blocked_polls_.fetch_add(1, std::memory_order_relaxed);
  if (news) report(*news);
  return true;
}

// Nothing: the poll is over, its place is known, or there was no memory.
std::optional<BlockedPoll> Watchdog::examine(std::size_t core, const Seen& seen,
                                             Clock::time_point now) try {
  BlockedPoll poll{.task = seen.look.task,
                   .task_name = {},
                   .thread_name = name_of_thread(seen.look.thread),
                   .duration = now - seen.since,
                   .backtrace = {}};
  Interrogation question(cores_, core, seen.look);
  uintptr_t place = 0;  // not known
  if (StackSampler::sample(seen.look.thread, question, kPatience)) {
    if (question.is_over()) return std::nullopt;
    poll.task_name = question.task_name();
    for (const StackTrace::Frame& frame : question.frames()) {
      poll.backtrace.push_back(symbols_.describe(frame.inside()));
    }
    place = place_of(question.frames(), poll.backtrace);
  }
  if (!is_new(place)) return std::nullopt;
  return poll;
} catch (const std::bad_alloc&) {
  return std::nullopt;
}

bool Watchdog::is_new(uintptr_t place) {
  return places_.size() < kMostPlaces && places_.insert(place).second;
}

void Watchdog::report(const BlockedPoll& poll) {
  if (options_.report) {
    call_hook(options_.report, options_.unhandled, poll);
    return;
  }
  try {
    std::fprintf(stderr, "eddy: %s\n", poll.message().c_str());
  } catch (const std::bad_alloc&) {
    // It is counted, at least.
  }
}

}  // namespace eddy::scheduler
