// The suite "micro": what spawning, waking, yielding and stealing cost. What
// each workload does is in benchmarks/README.md; the programs of the peers do
// the same.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "benchmarks/eddy/countdown.h"
#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "runtime/groups/join_set.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/notify.h"
#include "sync/oneshot.h"

namespace eddy::benchmarks {
namespace {

using Handles = std::vector<JoinHandle<void>>;
constexpr auto kRelaxed = std::memory_order_relaxed;

// Runs `work` as a task, so that on the multi-thread flavor it starts on a
// worker.
void run_as_task(const Runtime& runtime, Task<> work) {
  runtime.block_on(runtime.spawn(std::move(work))).value();
}

Task<> nothing() { co_return; }

// value() ends the program if a task was cancelled.
Task<> join_all(Handles& handles) {
  for (JoinHandle<void>& handle : handles) (co_await handle).value();
  handles.clear();
}

// --- Spawn and join ----------------------------------------------------------

Task<> spawn_and_join(std::size_t tasks) {
  Handles handles;
  handles.reserve(tasks);
  for (std::size_t i = 0; i < tasks; ++i) handles.push_back(spawn(nothing()));
  co_await join_all(handles);
}

Measured spawn_join(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t tasks = arguments.tasks;
  return time_rounds(rounds_for(1'000'000, tasks), tasks,
                     [&] { run_as_task(runtime, spawn_and_join(tasks)); });
}

Task<> spawn_into_a_set(std::size_t tasks) {
  JoinSet<> set;
  for (std::size_t i = 0; i < tasks; ++i) set.spawn(nothing());
  while (auto next = co_await set.join_next()) std::move(*next).value();
}

Measured join_set(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t tasks = arguments.tasks;
  return time_rounds(rounds_for(1'000'000, tasks), tasks,
                     [&] { run_as_task(runtime, spawn_into_a_set(tasks)); });
}

// From this thread, which belongs to no runtime.
void spawn_from_outside(const Runtime& runtime, std::size_t tasks,
                        Handles& handles) {
  for (std::size_t i = 0; i < tasks; ++i) {
    handles.push_back(runtime.spawn(nothing()));
  }
  runtime.block_on(join_all(handles));
}

Measured spawn_remote(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t tasks = arguments.tasks;
  Handles handles;
  handles.reserve(tasks);
  return time_rounds(rounds_for(1'000'000, tasks), tasks,
                     [&] { spawn_from_outside(runtime, tasks, handles); });
}

// --- Tokio's own set ---------------------------------------------------------

Task<> arrive_at(Countdown& countdown) {
  countdown.arrive();
  co_return;
}

Task<> spawn_counted(Countdown& countdown, std::size_t tasks) {
  countdown.reset(tasks);
  for (std::size_t i = 0; i < tasks; ++i) spawn(arrive_at(countdown)).detach();
  co_await countdown.wait();
}

Measured spawn_many_local(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t tasks = arguments.tasks;
  static Countdown countdown;
  return time_rounds(rounds_for(1'000'000, tasks), tasks, [&] {
    runtime.block_on(spawn_counted(countdown, tasks));
  });
}

constexpr std::size_t kRemoteTasks = 1000;

Measured spawn_rounds_from_outside(const Runtime& runtime, std::size_t rounds) {
  Handles handles;
  handles.reserve(kRemoteTasks);
  return time_rounds(rounds, kRemoteTasks, [&] {
    spawn_from_outside(runtime, kRemoteTasks, handles);
  });
}

Measured remote_idle(const Runtime& runtime, const Arguments&) {
  return spawn_rounds_from_outside(runtime, 500);
}

void stall() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::microseconds(10);
  while (Clock::now() < end) {
  }
}

Task<> stall_and_yield(const std::atomic<bool>& stop) {
  while (!stop.load(kRelaxed)) {
    co_await yield_now();
    stall();
  }
}

// Two yielding tasks for each worker keep the runtime busy.
Measured remote_busy1(const Runtime& runtime, const Arguments& arguments) {
  std::atomic<bool> stop{false};
  Handles busy;
  for (std::size_t i = 0; i < 2 * arguments.workers; ++i) {
    busy.push_back(runtime.spawn(stall_and_yield(stop)));
  }
  const Measured measured = spawn_rounds_from_outside(runtime, 2);
  stop.store(true, kRelaxed);
  runtime.block_on(join_all(busy));
  return measured;
}

Task<> stall_and_spawn(const std::atomic<bool>& stop, Countdown& ended) {
  if (stop.load(kRelaxed)) {
    ended.arrive();
    co_return;
  }
  stall();
  spawn(stall_and_spawn(stop, ended)).detach();
}

// For each worker, a task that stalls and spawns its like.
Measured remote_busy2(const Runtime& runtime, const Arguments& arguments) {
  std::atomic<bool> stop{false};
  static Countdown ended;
  ended.reset(arguments.workers);
  for (std::size_t i = 0; i < arguments.workers; ++i) {
    runtime.spawn(stall_and_spawn(stop, ended)).detach();
  }
  const Measured measured = spawn_rounds_from_outside(runtime, 2);
  stop.store(true, kRelaxed);
  runtime.block_on(ended.wait());
  return measured;
}

Task<> yield_and_arrive(std::size_t turns, Countdown& countdown) {
  for (std::size_t i = 0; i < turns; ++i) co_await yield_now();
  countdown.arrive();
}

Measured yield_many(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t tasks = arguments.tasks;
  const std::size_t turns = std::max<std::size_t>(5, 200'000 / tasks);
  const std::size_t yields = tasks * turns;
  static Countdown countdown;
  return time_rounds(rounds_for(4'000'000, yields), yields, [&] {
    countdown.reset(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
      runtime.spawn(yield_and_arrive(turns, countdown)).detach();
    }
    runtime.block_on(countdown.wait());
  });
}

Task<> pong(sync::oneshot::Receiver<int> ping, sync::oneshot::Sender<int> to) {
  std::optional<int> value = co_await ping;
  expect(value.has_value(), "a ping was lost");
  (void)std::move(to).send(*value + 1);
}

Task<> ping(Countdown& countdown) {
  auto [to_pong, pinged] = sync::oneshot::create<int>();
  auto [to_ping, ponged] = sync::oneshot::create<int>();
  spawn(pong(std::move(pinged), std::move(to_ping))).detach();
  (void)std::move(to_pong).send(1);
  expect(co_await ponged == 2, "a pong");
  countdown.arrive();
}

Task<> spawn_pings(std::size_t pairs, Countdown& countdown) {
  for (std::size_t i = 0; i < pairs; ++i) spawn(ping(countdown)).detach();
  co_return;
}

Task<> play(std::size_t pairs, Countdown& countdown) {
  countdown.reset(pairs);
  spawn(spawn_pings(pairs, countdown)).detach();
  co_await countdown.wait();
}

Measured ping_pong(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t pairs = arguments.tasks;
  static Countdown countdown;
  return time_rounds(rounds_for(300'000, pairs), pairs,
                     [&] { runtime.block_on(play(pairs, countdown)); });
}

Task<> link(std::size_t left, Countdown& countdown) {
  if (left == 0) {
    countdown.arrive();
  } else {
    spawn(link(left - 1, countdown)).detach();
  }
  co_return;
}

Task<> chain(std::size_t links, Countdown& countdown) {
  countdown.reset(1);
  spawn(link(links, countdown)).detach();
  co_await countdown.wait();
}

Measured chained_spawn(const Runtime& runtime, const Arguments& arguments) {
  const std::size_t links = arguments.tasks;
  static Countdown countdown;
  return time_rounds(rounds_for(1'000'000, links), links,
                     [&] { runtime.block_on(chain(links, countdown)); });
}

// --- Skynet, and what a waiting task takes -----------------------------------

constexpr std::size_t kSkynetBranches = 10;

Task<uint64_t> skynet(uint64_t first, uint64_t leaves) {
  if (leaves == 1) co_return first;
  const uint64_t part = leaves / kSkynetBranches;
  std::vector<JoinHandle<uint64_t>> children;
  children.reserve(kSkynetBranches);
  for (std::size_t i = 0; i < kSkynetBranches; ++i) {
    children.push_back(spawn(skynet(first + i * part, part)));
  }
  uint64_t sum = 0;
  for (JoinHandle<uint64_t>& child : children) {
    sum += (co_await child).value();
  }
  co_return sum;
}

Measured skynet_spawn(const Runtime& runtime, const Arguments&) {
  constexpr uint64_t kLeaves = 1'000'000;
  constexpr uint64_t kTasks = 1'111'111;
  return time_rounds(1, kTasks, [&] {
    const uint64_t sum =
        runtime.block_on(runtime.spawn(skynet(0, kLeaves))).value();
    expect(sum == kLeaves * (kLeaves - 1) / 2, "the sum of skynet");
  });
}

// Tasks that wait for `gate`, and tell when they do and when they have.
struct Idlers {
  sync::Notify gate;
  Countdown waiting;
  Countdown ended;
};

Task<> idle(Idlers& all) {
  sync::Notify::Notified open = all.gate.notified();
  all.waiting.arrive();
  co_await open;
  all.ended.arrive();
}

// The same by hand, without a coroutine.
class Idle {
 public:
  using Output = void;

  explicit Idle(Idlers& all) : open_(all.gate.notified()), all_(all) {}

  Poll<void> poll(Context& cx) {
    if (!std::exchange(told_, true)) all_.waiting.arrive();
    if (open_.poll(cx).is_pending()) return kPending;
    all_.ended.arrive();
    return kReady;
  }

 private:
  sync::Notify::Notified open_;
  Idlers& all_;
  bool told_ = false;
};

template <class MakeIdle>
Measured bytes_of_idle(const Runtime& runtime, const Arguments& arguments,
                       MakeIdle make) {
  const std::size_t tasks = arguments.tasks;
  static Idlers all;  // as the countdowns
  all.waiting.reset(tasks);
  all.ended.reset(tasks);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < tasks; ++i) runtime.spawn(make(all)).detach();
  runtime.block_on(all.waiting.wait());
  const std::size_t after = resident_bytes();
  all.gate.notify_waiters();
  runtime.block_on(all.ended.wait());
  return Measured::figure(
      static_cast<double>(after - before) / static_cast<double>(tasks),
      "bytes");
}

Measured idle_task_bytes(const Runtime& runtime, const Arguments& arguments) {
  return bytes_of_idle(runtime, arguments, idle);
}

Measured idle_future_bytes(const Runtime& runtime, const Arguments& arguments) {
  return bytes_of_idle(runtime, arguments,
                       [](Idlers& all) { return Idle(all); });
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(
      argc, argv,
      on_each_flavor("micro",
                     {
                         {"spawn_join", spawn_join, 1'000'000},
                         {"join_set", join_set, 1'000'000},
                         {"spawn_remote", spawn_remote, 1'000'000},
                         {"spawn_many_local", spawn_many_local, 10'000},
                         {"remote_idle", remote_idle},
                         {"remote_busy1", remote_busy1},
                         {"remote_busy2", remote_busy2},
                         {"yield_many", yield_many, 200},
                         {"ping_pong", ping_pong, 1000},
                         {"chained_spawn", chained_spawn, 1000},
                         {"skynet_spawn", skynet_spawn},
                         {"idle_task_bytes", idle_task_bytes, 1'000'000},
                         {"idle_future_bytes", idle_future_bytes, 1'000'000},
                     }));
}
