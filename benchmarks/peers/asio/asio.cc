// Boost.Asio's side of the comparison: C++20 coroutines on an io_context that
// is run by as many threads as there are workers. The workloads are those of
// benchmarks/eddy, under the same names, as far as Asio has their like.

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "benchmarks/program/program.h"

namespace eddy::benchmarks {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::detached;
using asio::use_awaitable;
using Error = boost::system::error_code;
using Executor = asio::io_context::executor_type;
template <class... Values>
using Channel = asio::experimental::concurrent_channel<void(Error, Values...)>;

class Threads {
 public:
  explicit Threads(std::size_t count) : context_(static_cast<int>(count)) {
    for (std::size_t i = 0; i < count; ++i) {
      threads_.emplace_back([this] { context_.run(); });
    }
  }
  ~Threads() { work_.reset(); }  // and then joins

  Executor executor() { return context_.get_executor(); }

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_{context_.get_executor()};
  std::vector<std::jthread> threads_;
};

// Lets a thread go on when so many have arrived.
class Countdown {
 public:
  void reset(std::size_t n) { left_.store(n, std::memory_order_relaxed); }
  void arrive() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.release();
  }
  void wait() { done_.acquire(); }

 private:
  std::atomic<std::size_t> left_{0};
  std::binary_semaphore done_{0};
};

awaitable<void> nothing() { co_return; }

// --- Spawn and join ----------------------------------------------------------

// There is no join handle: the end of a coroutine is counted.
void spawn_counted(const Executor& executor, std::size_t tasks,
                   Countdown& countdown) {
  for (std::size_t i = 0; i < tasks; ++i) {
    asio::co_spawn(executor, nothing(),
                   [&countdown](std::exception_ptr) { countdown.arrive(); });
  }
}

awaitable<void> spawn_from_inside(std::size_t tasks, Countdown& countdown) {
  const auto executor = co_await asio::this_coro::executor;
  for (std::size_t i = 0; i < tasks; ++i) {
    asio::co_spawn(executor, nothing(),
                   [&countdown](std::exception_ptr) { countdown.arrive(); });
  }
}

Measured spawn_inside(const Arguments& arguments) {
  Countdown countdown;
  Threads threads(arguments.workers);
  const std::size_t tasks = arguments.tasks;
  return time_rounds(rounds_for(1'000'000, tasks), tasks, [&] {
    countdown.reset(tasks);
    asio::co_spawn(threads.executor(), spawn_from_inside(tasks, countdown),
                   detached);
    countdown.wait();
  });
}

Measured spawn_outside(const Arguments& arguments, std::size_t tasks,
                       std::size_t rounds) {
  Countdown countdown;
  Threads threads(arguments.workers);
  return time_rounds(rounds, tasks, [&] {
    countdown.reset(tasks);
    spawn_counted(threads.executor(), tasks, countdown);
    countdown.wait();
  });
}

Measured spawn_remote(const Arguments& arguments) {
  return spawn_outside(arguments, arguments.tasks,
                       rounds_for(1'000'000, arguments.tasks));
}

Measured remote_idle(const Arguments& arguments) {
  return spawn_outside(arguments, 1000, 500);
}

awaitable<void> link(std::size_t left, Countdown& countdown) {
  if (left == 0) {
    countdown.arrive();
  } else {
    asio::co_spawn(co_await asio::this_coro::executor,
                   link(left - 1, countdown), detached);
  }
}

Measured chained_spawn(const Arguments& arguments) {
  Countdown countdown;
  Threads threads(arguments.workers);
  const std::size_t links = arguments.tasks;
  return time_rounds(rounds_for(1'000'000, links), links, [&] {
    countdown.reset(1);
    asio::co_spawn(threads.executor(), link(links, countdown), detached);
    countdown.wait();
  });
}

// --- Yield and ping-pong -----------------------------------------------------

awaitable<void> yield_and_arrive(std::size_t turns, Countdown& countdown) {
  for (std::size_t i = 0; i < turns; ++i) co_await asio::post(use_awaitable);
  countdown.arrive();
}

Measured yield_many(const Arguments& arguments) {
  Countdown countdown;
  Threads threads(arguments.workers);
  const std::size_t tasks = arguments.tasks;
  const std::size_t turns = std::max<std::size_t>(5, 200'000 / tasks);
  const std::size_t yields = tasks * turns;
  return time_rounds(rounds_for(4'000'000, yields), yields, [&] {
    countdown.reset(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
      asio::co_spawn(threads.executor(), yield_and_arrive(turns, countdown),
                     detached);
    }
    countdown.wait();
  });
}

struct Pair {
  explicit Pair(const Executor& executor)
      : ping(executor, 1), pong(executor, 1) {}
  Channel<int> ping;
  Channel<int> pong;
};

awaitable<void> pong(std::shared_ptr<Pair> pair) {
  const int value = co_await pair->ping.async_receive(use_awaitable);
  expect(pair->pong.try_send(Error(), value + 1), "a pong was not sent");
}

awaitable<void> ping(Executor executor, Countdown& countdown) {
  auto pair = std::make_shared<Pair>(executor);
  asio::co_spawn(executor, pong(pair), detached);
  expect(pair->ping.try_send(Error(), 1), "a ping was not sent");
  const int value = co_await pair->pong.async_receive(use_awaitable);
  expect(value == 2, "a pong");
  countdown.arrive();
}

awaitable<void> spawn_pings(Executor executor, std::size_t pairs,
                            Countdown& countdown) {
  for (std::size_t i = 0; i < pairs; ++i) {
    asio::co_spawn(executor, ping(executor, countdown), detached);
  }
  co_return;
}

Measured ping_pong(const Arguments& arguments) {
  Countdown countdown;
  Threads threads(arguments.workers);
  const std::size_t pairs = arguments.tasks;
  return time_rounds(rounds_for(300'000, pairs), pairs, [&] {
    countdown.reset(pairs);
    asio::co_spawn(threads.executor(),
                   spawn_pings(threads.executor(), pairs, countdown), detached);
    countdown.wait();
  });
}

// --- Waiting -----------------------------------------------------------------

awaitable<void> idle(Channel<>& gate, Countdown& waiting, Countdown& ended) {
  waiting.arrive();
  Error closed;
  co_await gate.async_receive(asio::redirect_error(use_awaitable, closed));
  expect(closed == asio::experimental::error::channel_closed,
         "how a wait ended");
  ended.arrive();
}

Measured idle_task_bytes(const Arguments& arguments) {
  Countdown waiting;
  Countdown ended;
  Threads threads(arguments.workers);
  Channel<> gate(threads.executor(), 0);
  const std::size_t tasks = arguments.tasks;
  waiting.reset(tasks);
  ended.reset(tasks);
  const std::size_t before = resident_bytes();
  for (std::size_t i = 0; i < tasks; ++i) {
    asio::co_spawn(threads.executor(), idle(gate, waiting, ended), detached);
  }
  waiting.wait();
  const std::size_t after = resident_bytes();
  gate.close();
  ended.wait();
  return Measured::figure(
      static_cast<double>(after - before) / static_cast<double>(tasks),
      "bytes");
}

awaitable<void> sleep_and_arrive(Executor executor,
                                 std::chrono::milliseconds duration,
                                 Countdown& countdown) {
  const auto start = std::chrono::steady_clock::now();
  asio::steady_timer timer(executor, duration);
  co_await timer.async_wait(use_awaitable);
  expect(std::chrono::steady_clock::now() - start >= duration,
         "a sleep ended early");
  countdown.arrive();
}

// The work takes a second whoever does it: what counts is the CPU time.
Measured sleeps_100k(const Arguments& arguments) {
  constexpr int kSleeps = 100'000;
  Countdown countdown;
  Threads threads(arguments.workers);
  countdown.reset(kSleeps);
  const Stopwatch watch;
  for (int i = 0; i < kSleeps; ++i) {
    const std::chrono::milliseconds duration(1 + i % 1000);
    asio::co_spawn(threads.executor(),
                   sleep_and_arrive(threads.executor(), duration, countdown),
                   detached);
  }
  countdown.wait();
  Measured measured = watch.stop(kSleeps);
  measured.value =
      std::chrono::duration<double, std::milli>(measured.cpu).count();
  measured.unit = "cpu_ms";
  return measured;
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(
      argc, argv,
      {
          {"micro", "spawn_join", "asio", spawn_inside, 1'000'000},
          {"micro", "spawn_remote", "asio", spawn_remote, 1'000'000},
          {"micro", "spawn_many_local", "asio", spawn_inside, 10'000},
          {"micro", "remote_idle", "asio", remote_idle},
          {"micro", "yield_many", "asio", yield_many, 200},
          {"micro", "ping_pong", "asio", ping_pong, 1000},
          {"micro", "chained_spawn", "asio", chained_spawn, 1000},
          {"micro", "idle_task_bytes", "asio", idle_task_bytes, 1'000'000},
          {"time", "sleeps_100k", "asio", sleeps_100k},
      });
}
