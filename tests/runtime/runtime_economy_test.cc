// What the scheduler saves, counted: each of these fails without the trick that
// it is about, and not only takes longer. docs/speed.md has the list.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/frame_pool.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/notify.h"
#include "tests/support/allocations.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using std::chrono::steady_clock;

class Economy : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(Economy);

class MultiThreadEconomy : public testing::RuntimeTest {};

Task<> nothing() { co_return; }

Task<> join_in_a_row(int count) {
  std::vector<JoinHandle<void>> children;
  for (int i = 0; i < count; ++i) children.push_back(spawn(nothing()));
  for (JoinHandle<void>& child : children) (co_await child).value();
}

// Who waits for the end of one of many tasks is polled behind those that are
// queued, when most of them have ended, too.
TEST_F(MultiThreadEconomy, AJoinerIsNotPolledForEachTask) {
  constexpr int kTasks = 100, kRounds = 50;
  Runtime& runtime = start(Builder::multi_thread().worker_threads(1));
  const uint64_t before = runtime.metrics().scheduler.polls;
  for (int i = 0; i < kRounds; ++i) {
    runtime.block_on(runtime.spawn(join_in_a_row(kTasks))).value();
  }
  const uint64_t polls = runtime.metrics().scheduler.polls - before;
  EXPECT_LT(polls, kRounds * (kTasks + kTasks / 4));
}

struct Table {
  sync::Notify ping, pong;
};

Task<> play(sync::Notify& mine, sync::Notify& other, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    co_await mine.notified();
    other.notify_one();
  }
}

Task<> play_both(Table& table, int rounds) {
  auto pong = spawn(play(table.ping, table.pong, rounds));
  table.ping.notify_one();
  co_await play(table.pong, table.ping, rounds);
  (co_await pong).value();
}

// A task that another wakes, and nothing else, runs next on the same worker:
// no other worker is woken for it. (Who polls for events would wake nobody yet.)
TEST_F(MultiThreadEconomy, APairThatTakesTurnsWakesNobodyElse) {
  constexpr int kRounds = 100'000;
  Runtime& runtime =
      start(Builder::multi_thread().worker_threads(2).reactor_assist(false));
  Table table;
  const uint64_t before = runtime.metrics().scheduler.notifications;
  runtime.block_on(runtime.spawn(play_both(table, kRounds))).value();
  EXPECT_LT(runtime.metrics().scheduler.notifications - before, kRounds / 2000);
}

Task<> yield(int times) {
  for (int i = 0; i < times; ++i) co_await yield_now();
}

// Tasks that always have work: it looks for events by the clock, and not after
// so many tasks, since a look takes longer than most of them.
TEST_P(Economy, LooksForEventsByTheClock) {
  constexpr int kYields = 200'000;
  const uint64_t before = runtime().metrics().reactor.polls;
  const auto began = steady_clock::now();
  runtime().block_on(runtime().spawn(yield(kYields))).value();
  const auto took = steady_clock::now() - began;
  const uint64_t looks = runtime().metrics().reactor.polls - before;
  EXPECT_LE(looks, 20 + took / std::chrono::microseconds(30));
}

// A task and its frame are used again.
TEST_P(Economy, ASpawnAllocatesNothingOnceTheListsAreFull) {
  if (!EDDY_FRAME_POOL || !testing::allocations_are_counted()) GTEST_SKIP();
  constexpr int kTasks = 10'000;
  const auto spawn_one_by_one = [](int count) -> Task<> {
    for (int i = 0; i < count; ++i) (co_await spawn(nothing())).value();
  };
  runtime().block_on(runtime().spawn(spawn_one_by_one(kTasks))).value();
  const int64_t before = testing::allocated_bytes();
  runtime().block_on(runtime().spawn(spawn_one_by_one(kTasks))).value();
  // Another worker may need a first slab of its own.
  EXPECT_LT(testing::allocated_bytes() - before, 40 * kTasks);
}

}  // namespace
}  // namespace eddy
