#include "runtime/core.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/base/asymmetric_fence.h"
#include "runtime/base/cpu_count.h"
#include "runtime/base/random.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/scheduler/current_thread.h"
#include "runtime/scheduler/multi_thread.h"

namespace eddy {
namespace {

// About as long as it takes until a thread that a job wakes has another one.
// For the current-thread runtime only: the workers of the other look for tasks
// before they sleep, which takes longer beside a thread that is awake.
constexpr std::chrono::nanoseconds kLinger = std::chrono::microseconds(20);

std::unique_ptr<scheduler::Flavor> make_scheduler(bool is_current_thread,
                                                  scheduler::Config config,
                                                  scheduler::Drivers& drivers) {
  if (is_current_thread) {
    return std::make_unique<scheduler::CurrentThread>(std::move(config),
                                                      drivers.front());
  }
  return std::make_unique<scheduler::MultiThread>(std::move(config), drivers);
}

scheduler::Drivers make_drivers(
    const std::vector<std::unique_ptr<reactor::Reactor>>& reactors,
    time::Timers& timers) {
  scheduler::Drivers drivers;
  for (const auto& reactor : reactors) {
    drivers.emplace_back(*reactor, drivers.empty() ? &timers : nullptr);
  }
  return drivers;
}

absl::Status required_ring_failed(const IoUringStatus& ring) {
  if (ring.error != 0) return errno_status(ring.error, ring.message());
  return absl::FailedPreconditionError(ring.message());
}

}  // namespace

absl::StatusOr<std::shared_ptr<RuntimeCore>> RuntimeCore::create(
    const Builder& builder) {
  base::prepare_fences();
  absl::StatusOr<std::vector<std::unique_ptr<reactor::Reactor>>> reactors =
      reactor::Reactor::create_group(
          {.max_events_per_poll = builder.max_io_events_per_tick_,
           .io_uring = builder.io_uring_},
          builder.reactor_threads_);
  if (!reactors.ok()) return reactors.status();
  if (builder.io_uring_.mode == IoUring::kRequired) {
    for (const auto& reactor : *reactors) {
      const IoUringStatus ring = reactor->io_uring_status();
      if (!ring.is_ok()) return required_ring_failed(ring);
    }
  }
  const bool is_current_thread =
      builder.flavor_ == Builder::Flavor::kCurrentThread;
  const std::size_t workers =
      is_current_thread ? 1
                        : builder.worker_threads_.value_or(
                              static_cast<std::size_t>(base::available_cpus()));
  std::shared_ptr<RuntimeCore> core(new RuntimeCore(
      builder, static_cast<uint32_t>(workers), *std::move(reactors)));
  absl::Status status = core->start();
  if (!status.ok()) return status;
  return core;
}

RuntimeCore::RuntimeCore(
    const Builder& builder, uint32_t workers,
    std::vector<std::unique_ptr<reactor::Reactor>> reactors)
    : is_current_thread_(builder.flavor_ == Builder::Flavor::kCurrentThread),
      reactor_assists_(!is_current_thread_ && builder.reactor_assist_),
      reactors_(std::move(reactors)),
      // A shard per thread that runs tasks, and one for all others.
      timers_(workers + (reactor_assists_ ? reactors_.size() : 0) + 1, clock_,
              [this] { drivers_.front().wake(); }),
      drivers_(make_drivers(reactors_, timers_)),
      scheduler_(make_scheduler(
          is_current_thread_,
          {.workers = workers,
           .policy = {.injection_interval = static_cast<uint32_t>(
                          builder.global_queue_interval_)},
           .event_interval = static_cast<uint32_t>(builder.event_interval_),
           .reactor_assist = reactor_assists_,
           .reactors = static_cast<uint32_t>(reactors_.size()),
           .role_tick = builder.reactor_take_over_after_,
           .stack_size = builder.thread_stack_size_.value_or(0),
           .thread_name = builder.thread_names("worker"),
           .hooks = builder.hooks_,
           .unhandled = builder.unhandled_exception_,
           .seed = builder.rng_seed_.value_or(base::random_seed()),
           .blocking_threshold = builder.blocking_threshold_},
          drivers_)),
      blocking_({.max_threads = builder.max_blocking_threads_,
                 .stack_size = builder.thread_stack_size_.value_or(0),
                 .keep_alive = builder.thread_keep_alive_,
                 .linger = is_current_thread_ && base::available_cpus() > 1
                               ? kLinger
                               : kLinger.zero(),
                 .max_queued = builder.max_blocking_queue_,
                 .thread_name = builder.blocking_thread_names(),
                 .on_thread_start = builder.hooks_.on_thread_start,
                 .on_thread_stop = builder.hooks_.on_thread_stop,
                 .on_job_settled = [this] { drivers_.front().on_idle(); },
                 .unhandled =
                     [this](std::exception_ptr error) {
                       scheduler_->unhandled(std::move(error));
                     }}),
      services_{.scheduler = *scheduler_,
                .reactor = *reactors_.front(),
                .timers = timers_,
                .blocking = blocking_} {
  here_.services = &services_;
  here_.runtime = this;
  here_.shard = static_cast<uint32_t>(timers_.shards()) - 1;
  if (builder.start_paused_) clock_.pause();
}

RuntimeCore::~RuntimeCore() = default;

absl::Status RuntimeCore::start() {
  std::shared_ptr<RuntimeCore> self = shared_from_this();
  blocking_.set_context(here_, self);
  absl::Status status = scheduler_->start_watching(self);
  if (status.ok()) status = scheduler_->start(here_, self);
  if (!status.ok()) {
    shut_down_ = true;
    scheduler_->stop_watching(scheduler::Deadline::max());
    blocking_.shutdown(scheduler::Deadline::min());
  }
  return status;
}

std::vector<std::string> RuntimeCore::shutdown(scheduler::Deadline deadline) {
  if (shut_down_.exchange(true, std::memory_order_acq_rel)) return {};
  std::vector<std::string> stuck;
  scheduler_->close();
  for (const auto& reactor : reactors_) reactor->shutdown();
  timers_.shutdown();
  scheduler_->stop_workers(deadline);
  for (const blocking::StuckJob& job : blocking_.shutdown(deadline)) {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(job.running_time);
    stuck.push_back(absl::StrCat("blocking job ", job.id.value(),
                                 job.name.empty() ? "" : " \"", job.name,
                                 job.name.empty() ? "" : "\"", " on thread ",
                                 job.thread_name, ", for ", ms.count(), " ms"));
  }
  for (const scheduler::StuckTask& task : scheduler_->stop_driver(deadline)) {
    stuck.push_back(absl::StrCat("task ", task.id.value(),
                                 task.name.empty() ? "" : " \"", task.name,
                                 task.name.empty() ? "" : "\""));
    if (task.in_place.has_value()) {
      absl::StrAppend(
          &stuck.back(), ", in block_in_place() for ",
          std::chrono::duration_cast<std::chrono::milliseconds>(*task.in_place)
              .count(),
          " ms");
    }
  }
  blocking_.join(deadline);
  scheduler_->stop_watching(deadline);
  for (const auto& reactor : reactors_) {
    for (const std::string& name : reactor->drain(deadline)) {
      stuck.push_back(absl::StrCat("io_uring operation \"", name, "\""));
    }
  }
  return stuck;
}

RuntimeMetrics RuntimeCore::metrics() const {
  RuntimeMetrics metrics = {.scheduler = scheduler_->metrics(),
                            .reactor = {},
                            .reactors = {},
                            .blocking = blocking_.metrics()};
  for (const auto& reactor : reactors_) {
    metrics.reactors.push_back(reactor->metrics());
    metrics.reactor += metrics.reactors.back();
  }
  return metrics;
}

}  // namespace eddy
