// Builder: how a Runtime is configured.
//
//   absl::StatusOr<eddy::Runtime> runtime = eddy::Builder::multi_thread()
//                                               .worker_threads(4)
//                                               .thread_name("server")
//                                               .build();
//   if (!runtime.ok()) return runtime.status();
//   return runtime->block_on(serve());
//
// Threads: a plain value.
// Errors:  build() gives kInvalidArgument and the reason for a value that makes
//          no sense, and what the system says if a thread, or the reactor's
//          epoll, cannot be had; errno_of(status) has the errno.
#ifndef EDDY_RUNTIME_BUILDER_H_
#define EDDY_RUNTIME_BUILDER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "reactor/io_uring.h"
#include "runtime/runtime.h"
#include "runtime/scheduler/hooks.h"

namespace eddy {

class Builder {
 public:
  // N workers and a reactor, on N + 1 threads.
  static Builder multi_thread() { return Builder(Flavor::kMultiThread); }
  // Everything on the thread that calls Runtime::block_on().
  static Builder current_thread() { return Builder(Flavor::kCurrentThread); }

  // 1 to 4096; default: the CPUs that this process may use, its affinity and
  // the cgroup's limit counted. Multi-thread only.
  Builder& worker_threads(std::size_t n);
  // 1 to 32768; default 512. They are started when needed.
  Builder& max_blocking_threads(std::size_t n);

  // How many blocking jobs may wait for a thread before reserve_blocking()
  // waits and try_spawn_blocking() refuses; 0, the default: any number.
  Builder& max_blocking_queue(std::size_t jobs);

  // Threads are named NAME-worker-0, NAME-blocking-0, ..., of which the kernel
  // keeps 15 bytes; default "eddy". A reactor that does not assist has a thread
  // eddy-reactor.
  Builder& thread_name(std::string name);
  // Or, worker or blocking, as the function says; the argument counts up.
  Builder& thread_name_fn(std::function<std::string(std::size_t)> fn);
  // Bytes, 128 KiB to 1 GiB; default: the system's.
  Builder& thread_stack_size(std::size_t bytes);
  // How long a blocking thread waits for another job; default 10 s.
  Builder& thread_keep_alive(std::chrono::nanoseconds time);

  // Tasks that a worker runs before it looks at the injection queue although it
  // has local work. 1 to 2^31; default 61.
  Builder& global_queue_interval(std::size_t tasks);
  // Tasks that the thread which polls for events runs before it looks for them
  // although there are more tasks; but it runs tasks for 30 us at least, however
  // short they are. 1 to 2^31; default 61.
  Builder& event_interval(std::size_t tasks);
  // Whether the thread that polls for events runs the tasks that they wake
  // itself, until that takes long; default true. Then the polling moves to
  // another thread if a task does not let it. False: a thread of its own polls,
  // and runs no task. Multi-thread only; a current-thread runtime has one
  // thread for both.
  Builder& reactor_assist(bool assist);
  // Reactors, over which the sockets are spread by their numbers, and the
  // operations of io_uring by the threads that submit them: 1 to 64, default 1,
  // which is enough for millions of events a second. Each is polled by a thread
  // at a time, so there are N + that many threads; timers are with the first.
  // With more than one the clock can't be paused. Multi-thread only.
  Builder& reactor_threads(std::size_t n);
  // With reactor_assist(): how long a task may run until another thread looks
  // whether it must take over the polling, which it does after two to five
  // times as long. 0 to 1 s; default 1 ms.
  Builder& reactor_take_over_after(std::chrono::nanoseconds time);
  // Events taken from the kernel in one go. 1 to 65536; default 1024.
  Builder& max_io_events_per_tick(std::size_t events);

  // Whether operations on files use io_uring where that is faster; default
  // kAutomatic. With kRequired, build() fails where there is none; errno_of()
  // its status has what the kernel said.
  Builder& io_uring(IoUring mode);
  // Operations handed to the kernel in one system call, and in flight, at most;
  // what is above that waits its turn. 1 to 65536, and not more of the first
  // than of the second; rounded up to powers of two. Default 256 and 4096.
  Builder& io_uring_sizes(std::size_t submissions, std::size_t in_flight);

  // Called on each thread of the runtime: when it starts and ends; and on those
  // that run tasks, before they go to sleep and after. A hook may spawn.
  Builder& on_thread_start(std::function<void()> hook);
  Builder& on_thread_stop(std::function<void()> hook);
  Builder& on_thread_park(std::function<void()> hook);
  Builder& on_thread_unpark(std::function<void()> hook);
  // Called on the thread that spawns, and on the one that ends the task.
  Builder& on_task_spawn(std::function<void(const TaskInfo&)> hook);
  Builder& on_task_terminate(std::function<void(const TaskInfo&)> hook);

  // A poll that lasts longer is reported, once for each place in the code, with
  // its task and a backtrace of the thread that it blocks; each is counted in
  // metrics().scheduler.blocked_polls. 1 ms to an hour; 0, the default of all
  // builds: nobody looks, and it costs nothing. Else a thread eddy-watchdog
  // looks at the cores four times per threshold, as long as something runs, and
  // interrupts a poll that lasts once, by a real-time signal that is free: see
  // docs/blocking.md. Polls that left their core by block_in_place(), and the
  // future of a multi-thread block_on(), block nobody, and are not reported.
  Builder& blocking_threshold(std::chrono::nanoseconds threshold);
  // Gets the reports, on the watchdog's thread; default: they go to stderr.
  Builder& on_blocked_poll(std::function<void(const BlockedPoll&)> hook);

  // The clock starts paused, and moves on when nothing can run: for tests.
  Builder& start_paused(bool paused = true);
  // For exceptions that leave a task which nobody joins; default kIgnore.
  Builder& unhandled_exception(UnhandledException policy);
  // Makes the workers' choice of victims repeatable.
  Builder& rng_seed(uint64_t seed);

  absl::StatusOr<Runtime> build() const;

 private:
  friend class RuntimeCore;
  enum class Flavor { kMultiThread, kCurrentThread };

  explicit Builder(Flavor flavor) : flavor_(flavor) {}
  absl::Status validate() const;
  // What the threads of this kind are called; the argument counts up.
  std::function<std::string(std::size_t)> thread_names(const char* kind) const;
  std::function<std::string()> blocking_thread_names() const;

  Flavor flavor_;
  std::optional<std::size_t> worker_threads_;
  std::size_t max_blocking_threads_ = 512;
  std::size_t max_blocking_queue_ = 0;
  std::string thread_name_ = "eddy";
  std::function<std::string(std::size_t)> thread_name_fn_;
  std::optional<std::size_t> thread_stack_size_;
  std::chrono::nanoseconds thread_keep_alive_ = std::chrono::seconds(10);
  std::size_t global_queue_interval_ = 61;
  std::size_t event_interval_ = 61;
  bool reactor_assist_ = true;
  std::size_t reactor_threads_ = 1;
  std::chrono::nanoseconds reactor_take_over_after_ =
      std::chrono::milliseconds(1);
  std::size_t max_io_events_per_tick_ = 1024;
  reactor::IoUringOptions io_uring_;
  scheduler::Hooks hooks_;
  std::chrono::nanoseconds blocking_threshold_{0};
  bool start_paused_ = false;
  UnhandledException unhandled_exception_ = UnhandledException::kIgnore;
  std::optional<uint64_t> rng_seed_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_BUILDER_H_
