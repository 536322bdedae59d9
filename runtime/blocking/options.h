// What a blocking pool is told at the start, and what it tells about itself.
//
// Threads: plain values.
#ifndef EDDY_RUNTIME_BLOCKING_OPTIONS_H_
#define EDDY_RUNTIME_BLOCKING_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "runtime/base/mutex.h"
#include "runtime/blocking/duration_histogram.h"
#include "runtime/task/id.h"

namespace eddy::blocking {

using Clock = base::CondVar::Clock;

struct Options {
  size_t max_threads = 512;  // at least 1
  size_t stack_size = 0;     // in bytes; 0: the system's default
  // How long a thread stays without a job.
  Clock::duration keep_alive = std::chrono::seconds(10);
  // For how long a thread that has run out of jobs waits for another awake,
  // before it sleeps: to wake one costs two threads some microseconds each. One
  // thread at a time does, and seldom while it is in vain.
  Clock::duration linger = Clock::duration::zero();

  // How many jobs may wait for a thread; 0: any number. See Places.
  size_t max_queued = 0;

  // The name of the next thread; unset: eddy-blocking-0, -1 and so on. The
  // kernel keeps 15 characters: what is longer loses some of its middle.
  std::function<std::string()> thread_name = {};

  // Run on each thread: before its first job, and after its last.
  std::function<void()> on_thread_start = {};
  std::function<void()> on_thread_stop = {};

  // Run when a job has settled, by whoever ended it. Must not throw.
  std::function<void()> on_job_settled = {};

  // Gets the exceptions of jobs that nobody joins, and of the two hooks above;
  // unset: they are dropped. Must not throw.
  std::function<void(std::exception_ptr)> unhandled = {};
};

struct Metrics {
  size_t threads = 0;  // that exist, running or idle
  size_t idle_threads = 0;
  size_t peak_threads = 0;
  size_t queued_jobs = 0;
  uint64_t admitted_jobs = 0;
  uint64_t finished_jobs = 0;  // run, cancelled or failed
  uint64_t settled_jobs = 0;   // of these, whose joiner has been woken, too
  // Of each job that a thread took, also if it was aborted before that: from
  // when it was queued (a job that its class held back: from when that let it
  // through) until it began, and from then until its end.
  DurationHistogram wait_time;
  DurationHistogram run_time;
};

// A job that was still running at the deadline of shutdown().
struct StuckJob {
  TaskId id;
  std::string name;         // empty if it has none
  std::string thread_name;  // see Options
  Clock::duration running_time;
};

}  // namespace eddy::blocking

#endif  // EDDY_RUNTIME_BLOCKING_OPTIONS_H_
