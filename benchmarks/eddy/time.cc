// The suite "time": timers that are dropped, as those of time-outs are, and
// timers that fire. What each workload does is in benchmarks/README.md; the
// programs of the peers do the same.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "benchmarks/eddy/countdown.h"
#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/runtime.h"
#include "runtime/task/future.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/time/sleep.h"

namespace eddy::benchmarks {
namespace {

using std::chrono::milliseconds;

constexpr int kTimers = 1'000'000;

// Makes a sleep, polls it once, and drops it.
class PollOnce {
 public:
  using Output = bool;

  explicit PollOnce(std::chrono::nanoseconds duration) : duration_(duration) {}

  Poll<bool> poll(Context& cx) {
    time::Sleep sleep = time::sleep(duration_);
    return sleep.poll(cx).is_pending();
  }

 private:
  std::chrono::nanoseconds duration_;
};

Task<int> drop_timers() {
  int pending = 0;
  for (int i = 0; i < kTimers; ++i) {
    pending += co_await PollOnce(milliseconds(10'000 + i % 1000));
  }
  co_return pending;
}

// An operation is one timer of each task: were the tasks not in each other's
// way, two would take as long as one.
Measured drop_timers_in(const Runtime& runtime, int tasks) {
  return time_rounds(1, kTimers, [&] {
    std::vector<JoinHandle<int>> handles;
    for (int i = 0; i < tasks; ++i) {
      handles.push_back(runtime.spawn(drop_timers()));
    }
    for (JoinHandle<int>& handle : handles) {
      expect(runtime.block_on(std::move(handle)).value() == kTimers,
             "a timer fired");
    }
  });
}

Measured timer_drop(const Runtime& runtime, const Arguments&) {
  return drop_timers_in(runtime, 1);
}

Measured timer_drop_2(const Runtime& runtime, const Arguments&) {
  return drop_timers_in(runtime, 2);
}

Task<> sleep_and_arrive(milliseconds duration, Countdown& countdown) {
  const auto start = std::chrono::steady_clock::now();
  co_await time::sleep(duration);
  expect(std::chrono::steady_clock::now() - start >= duration,
         "a sleep ended early");
  countdown.arrive();
}

// The work takes a second whoever does it: what counts is the CPU time.
Measured sleeps_100k(const Runtime& runtime, const Arguments&) {
  constexpr int kSleeps = 100'000;
  static Countdown countdown;
  countdown.reset(kSleeps);
  const Stopwatch watch;
  for (int i = 0; i < kSleeps; ++i) {
    const milliseconds duration(1 + i % 1000);
    runtime.spawn(sleep_and_arrive(duration, countdown)).detach();
  }
  runtime.block_on(countdown.wait());
  Measured measured = watch.stop(kSleeps);
  measured.value =
      std::chrono::duration<double, std::milli>(measured.cpu).count();
  measured.unit = "cpu_ms";
  return measured;
}

// By how much the 99th of a hundred sleeps is late.
class Lateness {
 public:
  explicit Lateness(int count) : late_(count) {}

  std::chrono::nanoseconds& of(int sleep) { return late_[sleep]; }
  double p99_us() {
    auto at = late_.begin() + late_.size() * 99 / 100;
    std::nth_element(late_.begin(), at, late_.end());
    return std::chrono::duration<double, std::micro>(*at).count();
  }

 private:
  std::vector<std::chrono::nanoseconds> late_;
};

Task<> sleep_and_note(milliseconds duration, std::chrono::nanoseconds& late,
                      Countdown& countdown) {
  const auto start = std::chrono::steady_clock::now();
  co_await time::sleep(duration);
  late = std::chrono::steady_clock::now() - start - duration;
  countdown.arrive();
}

Measured sleeps_late(const Runtime& runtime, const Arguments&) {
  constexpr int kSleeps = 100'000;
  static Countdown countdown;
  countdown.reset(kSleeps);
  Lateness lateness(kSleeps);
  const Stopwatch watch;
  for (int i = 0; i < kSleeps; ++i) {
    const milliseconds duration(1 + i % 1000);
    runtime.spawn(sleep_and_note(duration, lateness.of(i), countdown)).detach();
  }
  runtime.block_on(countdown.wait());
  Measured measured = watch.stop(kSleeps);
  measured.value = lateness.p99_us();
  measured.unit = "p99_us";
  return measured;
}

// Polls each of the sleeps once, which makes them live.
class PollEach {
 public:
  using Output = bool;

  explicit PollEach(std::vector<time::Sleep>& sleeps) : sleeps_(sleeps) {}

  Poll<bool> poll(Context& cx) {
    bool all_pending = true;
    for (time::Sleep& sleep : sleeps_) {
      all_pending &= sleep.poll(cx).is_pending();
    }
    return all_pending;
  }

 private:
  std::vector<time::Sleep>& sleeps_;
};

Task<bool> poll_each(std::vector<time::Sleep>& sleeps) {
  PollEach poll(sleeps);
  co_return co_await poll;
}

struct Residents {  // bytes
  double before, made, live;
};

Residents make_sleeps(const Runtime& runtime) {
  const auto before = static_cast<double>(resident_bytes());
  std::vector<time::Sleep> sleeps;
  sleeps.reserve(kTimers);
  for (int i = 0; i < kTimers; ++i) {
    sleeps.push_back(time::sleep(milliseconds(100'000 + i)));
  }
  const auto made = static_cast<double>(resident_bytes());
  expect(runtime.block_on(runtime.spawn(poll_each(sleeps))).value(),
         "a timer fired");
  return {before, made, static_cast<double>(resident_bytes())};
}

Measured sleep_bytes(const Runtime& runtime, const Arguments&) {
  const Residents residents = make_sleeps(runtime);
  return Measured::figure((residents.live - residents.before) / kTimers,
                          "bytes");
}

Measured timer_bytes(const Runtime& runtime, const Arguments&) {
  const Residents residents = make_sleeps(runtime);
  return Measured::figure((residents.live - residents.made) / kTimers, "bytes");
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(argc, argv,
                     on_each_flavor("time", {
                                                {"timer_drop", timer_drop},
                                                {"timer_drop_2", timer_drop_2},
                                                {"sleeps_100k", sleeps_100k},
                                                {"sleeps_late", sleeps_late},
                                                {"sleep_bytes", sleep_bytes},
                                                {"timer_bytes", timer_bytes},
                                            }));
}
