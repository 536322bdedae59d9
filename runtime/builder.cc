#include "runtime/builder.h"

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/base/thread.h"
#include "runtime/core.h"
#include "runtime/scheduler/idle.h"

namespace eddy {
namespace {

absl::Status check_range(const char* option, std::size_t value,
                         std::size_t least, std::size_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "Builder::", option, "(", value, "): must be ", least, " to ", most));
}

}  // namespace

Builder& Builder::worker_threads(std::size_t n) {
  worker_threads_ = n;
  return *this;
}

Builder& Builder::max_blocking_threads(std::size_t n) {
  max_blocking_threads_ = n;
  return *this;
}

Builder& Builder::max_blocking_queue(std::size_t jobs) {
  max_blocking_queue_ = jobs;
  return *this;
}

Builder& Builder::thread_name(std::string name) {
  thread_name_ = std::move(name);
  return *this;
}

Builder& Builder::thread_name_fn(std::function<std::string(std::size_t)> fn) {
  thread_name_fn_ = std::move(fn);
  return *this;
}

Builder& Builder::thread_stack_size(std::size_t bytes) {
  thread_stack_size_ = bytes;
  return *this;
}

Builder& Builder::thread_keep_alive(std::chrono::nanoseconds time) {
  thread_keep_alive_ = time;
  return *this;
}

Builder& Builder::global_queue_interval(std::size_t tasks) {
  global_queue_interval_ = tasks;
  return *this;
}

Builder& Builder::event_interval(std::size_t tasks) {
  event_interval_ = tasks;
  return *this;
}

Builder& Builder::reactor_assist(bool assist) {
  reactor_assist_ = assist;
  return *this;
}

Builder& Builder::reactor_threads(std::size_t n) {
  reactor_threads_ = n;
  return *this;
}

Builder& Builder::reactor_take_over_after(std::chrono::nanoseconds time) {
  reactor_take_over_after_ = time;
  return *this;
}

Builder& Builder::max_io_events_per_tick(std::size_t events) {
  max_io_events_per_tick_ = events;
  return *this;
}

Builder& Builder::io_uring(IoUring mode) {
  io_uring_.mode = mode;
  return *this;
}

Builder& Builder::io_uring_sizes(std::size_t submissions,
                                 std::size_t in_flight) {
  io_uring_.submissions = submissions;
  io_uring_.completions = in_flight;
  return *this;
}

Builder& Builder::on_thread_start(std::function<void()> hook) {
  hooks_.on_thread_start = std::move(hook);
  return *this;
}

Builder& Builder::on_thread_stop(std::function<void()> hook) {
  hooks_.on_thread_stop = std::move(hook);
  return *this;
}

Builder& Builder::on_thread_park(std::function<void()> hook) {
  hooks_.on_thread_park = std::move(hook);
  return *this;
}

Builder& Builder::on_thread_unpark(std::function<void()> hook) {
  hooks_.on_thread_unpark = std::move(hook);
  return *this;
}

Builder& Builder::on_task_spawn(std::function<void(const TaskInfo&)> hook) {
  hooks_.on_task_spawn = std::move(hook);
  return *this;
}

Builder& Builder::on_task_terminate(std::function<void(const TaskInfo&)> hook) {
  hooks_.on_task_terminate = std::move(hook);
  return *this;
}

Builder& Builder::blocking_threshold(std::chrono::nanoseconds threshold) {
  blocking_threshold_ = threshold;
  return *this;
}

Builder& Builder::on_blocked_poll(
    std::function<void(const BlockedPoll&)> hook) {
  hooks_.on_blocked_poll = std::move(hook);
  return *this;
}

Builder& Builder::start_paused(bool paused) {
  start_paused_ = paused;
  return *this;
}

Builder& Builder::unhandled_exception(UnhandledException policy) {
  unhandled_exception_ = policy;
  return *this;
}

Builder& Builder::rng_seed(uint64_t seed) {
  rng_seed_ = seed;
  return *this;
}

absl::Status Builder::validate() const {
  constexpr std::size_t kMaxInterval = std::size_t{1} << 31;
  absl::Status status;
  if (worker_threads_.has_value()) {
    if (flavor_ == Flavor::kCurrentThread) {
      return absl::InvalidArgumentError(
          "Builder::worker_threads(): a current-thread runtime has none; use "
          "Builder::multi_thread()");
    }
    status.Update(check_range("worker_threads", *worker_threads_, 1,
                              scheduler::Idle::kMaxWorkers));
  }
  if (reactor_threads_ > 1 && flavor_ == Flavor::kCurrentThread) {
    return absl::InvalidArgumentError(
        "Builder::reactor_threads(): the one thread of a current-thread "
        "runtime polls one reactor; use Builder::multi_thread()");
  }
  if (reactor_threads_ > 1 && start_paused_) {
    return absl::InvalidArgumentError(
        "Builder::start_paused(): only with reactor_threads(1), since a "
        "poller does not see whether another one is about to wake a task");
  }
  status.Update(check_range("reactor_threads", reactor_threads_, 1, 64));
  status.Update(
      check_range("max_blocking_threads", max_blocking_threads_, 1, 32768));
  if (thread_stack_size_.has_value()) {
    status.Update(check_range("thread_stack_size", *thread_stack_size_,
                              base::Thread::kMinStackSize,
                              std::size_t{1} << 30));
  }
  if (thread_keep_alive_ < std::chrono::nanoseconds::zero()) {
    status.Update(absl::InvalidArgumentError(
        "Builder::thread_keep_alive(): must not be negative"));
  }
  if (reactor_take_over_after_ < std::chrono::nanoseconds::zero() ||
      reactor_take_over_after_ > std::chrono::seconds(1)) {
    status.Update(absl::InvalidArgumentError(
        "Builder::reactor_take_over_after(): must be 0 to 1 s"));
  }
  if (blocking_threshold_ != std::chrono::nanoseconds::zero() &&
      (blocking_threshold_ < std::chrono::milliseconds(1) ||
       blocking_threshold_ > std::chrono::hours(1))) {
    status.Update(absl::InvalidArgumentError(
        "Builder::blocking_threshold(): must be 0, or 1 ms to an hour"));
  }
  status.Update(check_range("global_queue_interval", global_queue_interval_, 1,
                            kMaxInterval));
  status.Update(
      check_range("event_interval", event_interval_, 1, kMaxInterval));
  status.Update(
      check_range("max_io_events_per_tick", max_io_events_per_tick_, 1, 65536));
  status.Update(check_range("io_uring_sizes: in_flight", io_uring_.completions,
                            1, 65536));
  status.Update(check_range("io_uring_sizes: submissions",
                            io_uring_.submissions, 1, io_uring_.completions));
  return status;
}

std::function<std::string(std::size_t)> Builder::thread_names(
    const char* kind) const {
  if (thread_name_fn_) return thread_name_fn_;
  return [prefix = absl::StrCat(thread_name_, "-", kind, "-")](std::size_t i) {
    return absl::StrCat(prefix, i);
  };
}

std::function<std::string()> Builder::blocking_thread_names() const {
  auto next = std::make_shared<std::atomic<std::size_t>>(0);
  return [name = thread_names("blocking"), next] {
    return name(next->fetch_add(1, std::memory_order_relaxed));
  };
}

absl::StatusOr<Runtime> Builder::build() const {
  absl::Status status = validate();
  if (!status.ok()) return status;
  absl::StatusOr<std::shared_ptr<RuntimeCore>> core =
      RuntimeCore::create(*this);
  if (!core.ok()) return core.status();
  return Runtime(*std::move(core));
}

}  // namespace eddy
