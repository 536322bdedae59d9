#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/streams/buffered.h"
#include "runtime/streams/combine.h"
#include "runtime/streams/consume.h"
#include "runtime/streams/futures_unordered.h"
#include "runtime/streams/generator.h"
#include "runtime/streams/slice.h"
#include "runtime/streams/sources.h"
#include "runtime/streams/stream_map.h"
#include "runtime/streams/transform.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "sync/broadcast.h"
#include "sync/mpsc.h"
#include "sync/semaphore.h"
#include "sync/watch.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/runtime/groups/alive.h"
#include "tests/support/abort_after.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Alive;
using testing::as_task;
using testing::Manual;
using testing::Script;
using testing::WakeCounter;

TEST(FuturesUnordered, GivesOutputsAsTheyAreReady) {
  WakeCounter waker;
  std::vector<Script> scripts(3);
  FuturesUnordered<Manual> set;
  EXPECT_FALSE(set.poll_next(waker.context())->has_value());
  for (Script& script : scripts) set.push(Manual(script));
  EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
  scripts[2].finish(2);
  scripts[0].finish(0);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(**set.poll_next(waker.context()), 2);
  EXPECT_TRUE(scripts[2].dead);
  EXPECT_EQ(**set.poll_next(waker.context()), 0);
  EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
  EXPECT_EQ(set.size(), 1u);
  EXPECT_EQ(scripts[1].polls, 1);
  scripts[1].finish(1);
  EXPECT_EQ(**set.poll_next(waker.context()), 1);
  EXPECT_FALSE(set.poll_next(waker.context())->has_value());
}

TEST(FuturesUnordered, APushWakesWhoWaits) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  FuturesUnordered<Manual> set;
  set.push(Manual(scripts[0]));
  EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
  scripts[1].value = 7;
  set.push(Manual(scripts[1]));
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(**set.poll_next(waker.context()), 7);
}

// D5: a wake inside of its own poll.
TEST(FuturesUnordered, AChildMayWakeItselfWhileItIsPolled) {
  class Restless {
   public:
    using Output = void;
    explicit Restless(int& polls) : polls_(&polls) {}
    Poll<void> poll(Context& cx) {
      if (++*polls_ == 5) return kReady;
      cx.waker().wake();
      return kPending;
    }

   private:
    int* polls_;
  };
  WakeCounter waker;
  int polls = 0;
  FuturesUnordered<Restless> set;
  set.push(Restless(polls));
  EXPECT_TRUE(set.poll_next(waker.context())->has_value());
  EXPECT_EQ(polls, 5);
}

// E1
TEST(FuturesUnordered, WakersOutliveChildAndSet) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  std::vector<Waker> kept;
  {
    FuturesUnordered<Manual> set;
    for (Script& script : scripts) set.push(Manual(script));
    EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
    for (Script& script : scripts) kept.push_back(script.waker);
    scripts[0].finish(1);
    EXPECT_EQ(**set.poll_next(waker.context()), 1);
    kept[0].wake();  // that of a child which has ended
    EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
    FuturesUnordered<Manual> moved = std::move(set);
    kept[1].wake();  // queued, and then dropped
  }
  EXPECT_TRUE(scripts[1].dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
  for (Waker& each : kept) each.wake();
  kept.clear();
}

// D2
TEST(FuturesUnordered, AChildThatThrowsGoesAlone) {
  WakeCounter waker;
  std::vector<Script> scripts(2);
  FuturesUnordered<Task<int>> set;
  for (Script& script : scripts) set.push(as_task(&script));
  EXPECT_TRUE(set.poll_next(waker.context()).is_pending());
  scripts[0].fail();
  EXPECT_THROW((void)set.poll_next(waker.context()), std::runtime_error);
  EXPECT_EQ(set.size(), 1u);
  scripts[1].finish(1);
  EXPECT_EQ(**set.poll_next(waker.context()), 1);
}

Task<int> number_after_a_turn(int number) {
  co_await yield_now();
  co_return number;
}
Task<long> sum_of_tasks(int count) {
  FuturesUnordered<JoinHandle<int>> tasks;
  for (int i = 0; i < count; ++i) tasks.push(spawn(number_after_a_turn(i)));
  long sum = 0;
  while (auto result = co_await tasks.next()) sum += std::move(*result).value();
  co_return sum;
}

// E2: woken by other workers, ten thousand times.
TEST(FuturesUnordered, WaitsForTenThousandTasks) {
  constexpr long kCount = 10'000;
  auto runtime = *Builder::multi_thread().worker_threads(2).build();
  EXPECT_EQ(runtime.block_on(runtime.spawn(sum_of_tasks(kCount))).value(),
            kCount * (kCount - 1) / 2);
}

TEST(FuturesOrdered, GivesOutputsInTheOrderOfPushes) {
  WakeCounter waker;
  std::vector<Script> scripts(3);
  FuturesOrdered<Manual> queue;
  for (Script& script : scripts) queue.push(Manual(script));
  EXPECT_TRUE(queue.poll_next(waker.context()).is_pending());
  scripts[2].finish(2);
  scripts[1].finish(1);
  EXPECT_TRUE(queue.poll_next(waker.context()).is_pending());
  scripts[0].finish(0);
  for (int i : {0, 1, 2}) EXPECT_EQ(**queue.poll_next(waker.context()), i);
  EXPECT_FALSE(queue.poll_next(waker.context())->has_value());
  for (Script& script : scripts) EXPECT_EQ(script.polls, 2);
}

// The futures of a stream that are running at once.
class Gauge {
 public:
  auto run() {
    return [this](int i) -> Task<int> {
      most = std::max(most, ++running);
      for (int turns = i % 3; turns >= 0; --turns) co_await yield_now();
      --running;
      co_return i;
    };
  }
  int running = 0, most = 0;
};

template <Future F>
OutputOf<F> finish(F future) {
  WakeCounter waker;
  for (;;) {
    auto result = future.poll(waker.context());
    if (result.is_ready()) return *std::move(result);
  }
}

TEST(Buffered, RunsAsManyAtOnceAndKeepsTheOrder) {
  std::vector<int> numbers;
  for (int i = 0; i < 50; ++i) numbers.push_back(i);
  Gauge gauge;
  EXPECT_EQ(finish(streams::collect(streams::items(numbers) |
                                    streams::map(gauge.run()) |
                                    streams::buffered(4))),
            numbers);
  EXPECT_EQ(gauge.most, 4);
  Gauge unordered;
  std::vector<int> all = finish(streams::collect(streams::items(numbers) |
                                                 streams::map(unordered.run()) |
                                                 streams::buffer_unordered(8)));
  EXPECT_NE(all, numbers);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, numbers);
  EXPECT_EQ(unordered.most, 8);
  Gauge concurrent;
  finish(streams::for_each_concurrent(streams::items(numbers), 5,
                                      concurrent.run()));
  EXPECT_EQ(concurrent.most, 5);
  EXPECT_EQ(concurrent.running, 0);
}

// D4
TEST(Buffered, DroppedDestroysWhatRuns) {
  WakeCounter waker;
  std::vector<Script> scripts(3);
  {
    auto all = streams::items(std::vector<int>{0, 1, 2}) |
               streams::map([&](int i) { return as_task(&scripts[i]); }) |
               streams::buffered(2);
    EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
    scripts[1].finish(1);
    EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
    EXPECT_DEATH(auto moved = std::move(all), "after the first poll");
  }
  EXPECT_TRUE(scripts[0].dead && scripts[1].dead);
  EXPECT_EQ(scripts[2].polls, 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

struct Held {
  Alive::Count alive = 0;
  sync::Semaphore permits{2};
};

Generator<int> numbers(Held& held, int last) {
  Alive here(held.alive);
  for (int i = 0; i < last; ++i) {
    co_await yield_now();
    co_yield i;
  }
}
Task<int> with_permit(Held& held, int number) {
  Alive here(held.alive);
  auto permit = co_await held.permits.acquire();
  co_await yield_now();
  co_return number;
}

Task<int> use_streams(Held& held) {
  Alive here(held.alive);
  auto work = [&held](int number) { return with_permit(held, number); };
  auto pairs = numbers(held, 6) | streams::map(work) | streams::buffered(3) |
               streams::merge(numbers(held, 3) | streams::then(work)) |
               streams::chunks(2);
  int sum = 0;
  while (auto pair = co_await pairs.next()) {
    for (int number : *pair) sum += number;
  }
  StreamMap<int, Generator<int>> map;
  for (int key : {1, 2, 3}) map.insert(key, numbers(held, key));
  while (auto item = co_await map.next()) sum += item->second;
  FuturesUnordered<Task<int>> set;
  for (int i : {1, 2, 3}) set.push(with_permit(held, i));
  while (auto number = co_await set.next()) sum += *number;
  co_await streams::for_each_concurrent(numbers(held, 4), 3,
                                        [&](int number) -> Task<> {
                                          co_await with_permit(held, number);
                                          ++sum;
                                        });
  co_return sum;
}

// D4: aborted after the k-th poll, for every k until the end: generators,
// futures and permits are given back.
TEST(Streams, AnOwnerThatIsAbortedAnywhere) {
  auto runtime = *Builder::multi_thread().worker_threads(2).build();
  runtime.block_on([]() -> Task<> {
    Held held;
    bool has_ended = false;
    int k = 0;
    while (!has_ended) {
      auto owner = spawn(testing::AbortAfter(use_streams(held), ++k));
      JoinResult<int> outcome = co_await owner;
      has_ended = outcome.has_value();
      if (has_ended) {
        EXPECT_EQ(*std::move(outcome), 32);
      }
      EXPECT_EQ(held.alive, 0) << k;
      EXPECT_EQ(held.permits.available(), 2u) << k;
    }
    EXPECT_GT(k, 10) << "it was hardly interrupted";
  });
}

TEST(StreamMap, GivesItemsUnderTheirKeys) {
  WakeCounter waker;
  auto [a, from_a] = sync::mpsc::create_unbounded<int>();
  auto [b, from_b] = sync::mpsc::create_unbounded<int>();
  auto stream = [](auto receiver) {
    return streams::messages(std::move(receiver));
  };
  StreamMap<std::string, decltype(stream(std::move(from_a)))> map;
  map.insert("a", stream(std::move(from_a)));
  map.insert("b", stream(std::move(from_b)));
  EXPECT_TRUE(map.poll_next(waker.context()).is_pending());
  (void)b.send(1);
  (void)b.send(2);
  (void)a.send(3);
  using Pair = std::pair<std::string, int>;
  // One whose items are there has its next turn behind the others.
  EXPECT_EQ(**map.poll_next(waker.context()), Pair("b", 1));
  EXPECT_EQ(**map.poll_next(waker.context()), Pair("a", 3));
  EXPECT_EQ(**map.poll_next(waker.context()), Pair("b", 2));
  EXPECT_TRUE(map.poll_next(waker.context()).is_pending());
  {
    auto ended = std::move(b);
  }
  EXPECT_TRUE(map.poll_next(waker.context()).is_pending());
  EXPECT_FALSE(map.contains("b")) << "its stream has ended";
  auto moved = std::move(map);
  EXPECT_TRUE(moved.remove("a"));
  EXPECT_FALSE(moved.remove("a"));
  EXPECT_FALSE(moved.poll_next(waker.context())->has_value());
}

// The channel's messages, with how many were missed, and then the end.
TEST(Messages, OfABroadcast) {
  WakeCounter waker;
  auto [sender, receiver] = sync::broadcast::create<int>(/*capacity=*/2);
  auto borrowed = receiver.resubscribe();
  auto all = streams::messages(std::move(receiver));
  EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sender.send(int{i}));
  EXPECT_EQ(waker.wakes(), 1);
  auto first = *all.poll_next(waker.context());
  EXPECT_EQ(first->value, 1);
  EXPECT_EQ(first->missed, 1u);
  auto sum = finish(streams::fold(
      streams::messages(borrowed) | streams::take(2), 0,
      [](int sum, const auto& received) { return sum + received.value; }));
  EXPECT_EQ(sum, 1 + 2);
  EXPECT_EQ((**all.poll_next(waker.context())).value, 2);
  EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
  sender.close();
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_FALSE(all.poll_next(waker.context())->has_value());
}

// D4: what is dropped while it waits has taken no message.
TEST(Messages, ADroppedNextLosesNone) {
  WakeCounter waker;
  auto ends = sync::broadcast::create<int>(4);
  auto all = streams::messages(ends.receiver);
  for (int polls = 0; polls < 3; ++polls) {
    auto next = all.next();
    for (int i = 0; i < polls; ++i) {
      EXPECT_TRUE(next.poll(waker.context()).is_pending());
    }
  }
  EXPECT_TRUE(ends.sender.send(1));
  EXPECT_EQ((**all.next().poll(waker.context())).value, 1);
}

TEST(Changes, OfAWatch) {
  WakeCounter waker;
  auto ends = sync::watch::create(0);
  auto all = streams::changes(std::move(ends.receiver));
  EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
  ends.sender.send_replace(1);
  ends.sender.send_replace(2);
  EXPECT_EQ(***all.poll_next(waker.context()), 2);
  EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
  {
    auto last = std::move(ends.sender);
  }
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_FALSE(all.poll_next(waker.context())->has_value());
}

TEST(StreamMap, AnInsertReplaces) {
  WakeCounter waker;
  auto stream = [](int i) { return streams::items(std::vector<int>{i}); };
  StreamMap<int, decltype(stream(0))> map;
  map.insert(7, stream(1));
  map.insert(7, stream(2));
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ((*map.poll_next(waker.context()))->second, 2);
  EXPECT_FALSE(map.poll_next(waker.context())->has_value());
}

}  // namespace
}  // namespace eddy
