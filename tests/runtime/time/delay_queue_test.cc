#include "runtime/time/delay_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

// What has come by now.
template <class T>
std::vector<T> take_due(DelayQueue<T>& queue, WakeCounter& waker) {
  std::vector<T> due;
  for (;;) {
    Context& cx = waker.context();
    auto next = queue.poll_next(cx);
    if (next.is_ready() && !next->has_value()) return due;
    if (next.is_pending() && !cx.wake_requested()) return due;
    if (next.is_ready()) due.push_back(std::move((*next)->value));
  }
}

using Ints = std::vector<int>;

TEST(DelayQueue, GivesValuesWhenTheirTimeHasCome) {
  TimeEnvironment env;
  WakeCounter waker;
  DelayQueue<int> queue;
  EXPECT_FALSE(queue.poll_next(waker.context())->has_value());
  queue.insert(3, 30ms);
  queue.insert(1, 10ms);
  queue.insert(2, 20ms);
  EXPECT_EQ(take_due(queue, waker), Ints());
  env.advance(9ms);
  EXPECT_EQ(waker.wakes(), 0);
  env.advance(1ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(take_due(queue, waker), (Ints{1}));
  env.advance(20ms);
  EXPECT_EQ(take_due(queue, waker), (Ints{2, 3}));
  EXPECT_TRUE(queue.empty());
}

TEST(DelayQueue, AnEarlierOneMovesTheWakeForward) {
  TimeEnvironment env;
  WakeCounter waker;
  DelayQueue<int> queue;
  queue.insert(1, 1h);
  EXPECT_EQ(take_due(queue, waker), Ints());
  queue.insert(2, 5ms);
  env.advance(5ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(take_due(queue, waker), (Ints{2}));
  queue.insert(3, -5ms);
  EXPECT_EQ(take_due(queue, waker), (Ints{3}));
  EXPECT_EQ(queue.size(), 1u);
}

TEST(DelayQueue, ResetAndRemove) {
  TimeEnvironment env;
  WakeCounter waker;
  DelayQueue<int> queue;
  const Instant start = now();
  const DelayKey first = queue.insert(1, 10ms);
  const DelayKey second = queue.insert(2, 20ms);
  EXPECT_EQ(take_due(queue, waker), Ints());
  EXPECT_TRUE(queue.reset(first, 30ms));
  EXPECT_EQ(queue.deadline(first), start + 30ms);
  EXPECT_EQ(queue.remove(second), 2);
  EXPECT_EQ(queue.remove(second), std::nullopt) << "a stale key";
  EXPECT_FALSE(queue.reset(second, 1ms));
  env.advance(29ms);
  EXPECT_EQ(take_due(queue, waker), Ints());
  env.advance(1ms);
  auto expired = queue.poll_next(waker.context());
  EXPECT_EQ((*expired)->value, 1);
  EXPECT_EQ((*expired)->deadline, start + 30ms);
  const DelayKey third = queue.insert(3, 1ms);
  EXPECT_FALSE(third == first) << "the place is used again, its key is not";
  EXPECT_EQ(queue.remove(first), std::nullopt);
  EXPECT_EQ(queue.deadline(first), std::nullopt);
}

// G1
TEST(DelayQueue, DeadlinesSaturate) {
  TimeEnvironment env;
  WakeCounter waker;
  DelayQueue<int> queue;
  queue.insert(1, std::chrono::hours::max());
  queue.insert_at(2, Instant::max());
  queue.insert_at(3, Instant::min());
  queue.insert(4, Duration::min());
  EXPECT_EQ(take_due(queue, waker), (Ints{3, 4}));
  env.advance(std::chrono::hours(24 * 365 * 50));
  EXPECT_EQ(take_due(queue, waker), Ints());
}

// D4, D5
TEST(DelayQueue, DroppedAndMovedAtAnyTime) {
  TimeEnvironment env;
  WakeCounter waker;
  auto box = std::make_shared<int>(1);
  {
    DelayQueue<std::shared_ptr<int>> queue;
    queue.insert(box, 10ms);
    queue.insert(box, 20ms);
    for (int i = 0; i < 1'000; ++i) {
      EXPECT_TRUE(queue.next().poll(waker.context()).is_pending());
    }
    EXPECT_EQ(waker.kept_wakers(), 1);
    auto moved = std::move(queue);
    env.advance(10ms);
    EXPECT_EQ(take_due(moved, waker).size(), 1u);
  }
  EXPECT_EQ(box.use_count(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// E3: against a model, random operations.
TEST(DelayQueue, DoesWhatAModelDoes) {
  base::Random random(testing::stress_seed());
  for (int round = 0; round < 50; ++round) {
    TimeEnvironment env;
    WakeCounter waker;
    DelayQueue<int> queue;
    std::map<int, DelayKey> keys;
    std::multimap<Instant, int> model;
    const auto forget = [&](int value) {
      std::erase_if(model, [&](auto& entry) { return entry.second == value; });
    };
    for (int step = 0; step < 200; ++step) {
      const auto delay = std::chrono::milliseconds(random() % 200'000);
      const int value = static_cast<int>(random() % 20);
      switch (random() % 4) {
        case 0:
          if (keys.count(value) != 0) break;
          keys.emplace(value, queue.insert(value, delay));
          model.emplace(now() + delay, value);
          break;
        case 1:
          if (keys.count(value) == 0) break;
          EXPECT_TRUE(queue.reset(keys.at(value), delay));
          forget(value);
          model.emplace(now() + delay, value);
          break;
        case 2:
          if (keys.count(value) == 0) break;
          EXPECT_EQ(queue.remove(keys.at(value)), value);
          forget(value);
          keys.erase(value);
          break;
        case 3: {
          env.advance(delay);
          Ints expected;
          const auto end = model.upper_bound(now());
          for (auto it = model.begin(); it != end; ++it) {
            expected.push_back(it->second);
            keys.erase(it->second);
          }
          model.erase(model.begin(), end);
          ASSERT_EQ(take_due(queue, waker), expected);
        }
      }
      ASSERT_EQ(queue.size(), model.size());
    }
  }
}

// G1
TEST(DelayQueue, AMillionValues) {
  constexpr int kCount = 1'000'000;
  TimeEnvironment env;
  WakeCounter waker;
  DelayQueue<int> queue;
  std::vector<DelayKey> keys;
  for (int i = 0; i < kCount; ++i) keys.push_back(queue.insert(i, 1ms));
  for (int i = 0; i < kCount; i += 4) {
    EXPECT_TRUE(queue.reset(keys[i], std::chrono::milliseconds(2 + i % 5000)));
  }
  for (int i = 1; i < kCount; i += 4) EXPECT_EQ(queue.remove(keys[i]), i);
  env.advance(1ms);
  EXPECT_EQ(take_due(queue, waker).size(), kCount / 2u) << "on one tick";
  env.advance(5s);
  EXPECT_EQ(take_due(queue, waker).size(), kCount / 4u);
  EXPECT_TRUE(queue.empty());
}

// It may be moved out of a runtime that ends, and waited for in the next one.
TEST(DelayQueue, InTheRuntimeThatPollsIt) {
  std::optional<DelayQueue<int>> queue;
  {
    TimeEnvironment env;
    WakeCounter waker;
    queue.emplace().insert(1, 10ms);
    EXPECT_EQ(take_due(*queue, waker), Ints());
    env.advance(10ms);
    EXPECT_EQ(take_due(*queue, waker), (Ints{1}));
  }
  TimeEnvironment env;
  WakeCounter waker;
  queue->insert(2, 10ms);
  EXPECT_EQ(take_due(*queue, waker), Ints());
  env.advance(20ms);
  EXPECT_EQ(take_due(*queue, waker), (Ints{2}));
}

}  // namespace
}  // namespace eddy::time
