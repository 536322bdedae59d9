#include "sync/mpmc.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "runtime/task/cancel_safe.h"
#include "runtime/task/task.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::mpmc {
namespace {

using testing::WakeCounter;
using Box = std::unique_ptr<int>;

template <class T>
bool has_ended(Receiver<T>& receiver) {
  Poll<std::optional<T>> polled = receiver.try_recv();
  return polled.is_ready() && !polled->has_value();
}

TEST(Mpmc, EachMessageGoesToOneInTheOrderOfWaiting) {
  auto [sender, one] = create_unbounded<Box>();
  Receiver<Box> two = one;
  WakeCounter first, second;
  Recv<Box> b = two.recv(), a = one.recv();
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  EXPECT_TRUE(sender.send(std::make_unique<int>(1)));
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_TRUE(two.try_recv().is_pending());  // it is on its way to `a`
  EXPECT_TRUE(sender.send(std::make_unique<int>(2)));
  EXPECT_EQ(sender.size(), 2u);
  EXPECT_EQ(***a.poll(first.context()), 1);
  EXPECT_EQ(***b.poll(second.context()), 2);
}

TEST(Mpmc, AFullChannelMakesSendersWait) {
  auto [sender, receiver] = create<Box>(1);
  WakeCounter waker;
  EXPECT_TRUE(sender.try_send(std::make_unique<int>(0)));
  auto refused = std::make_unique<int>(7);
  EXPECT_FALSE(sender.try_send(std::move(refused)));
  EXPECT_NE(refused, nullptr);
  Send<Box> send = sender.send(std::move(refused));
  EXPECT_TRUE(send.poll(waker.context()).is_pending());
  EXPECT_EQ(***receiver.try_recv(), 0);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(*send.poll(waker.context()));
  EXPECT_EQ(***receiver.try_recv(), 7);
}

TEST(Mpmc, EndsWithItsLastSender) {
  auto ends = create<int>(4);
  std::optional<Sender<int>> sender(std::move(ends.sender)), other(*sender);
  Receiver<int> idle = ends.receiver;
  WakeCounter waker;
  EXPECT_TRUE(other->try_send(1));
  EXPECT_TRUE(other->try_send(2));
  Recv<int> recv = ends.receiver.recv();
  EXPECT_EQ(*recv.poll(waker.context()), std::optional<int>(1));
  sender.reset();
  other.reset();
  EXPECT_EQ(*idle.try_recv(), std::optional<int>(2));
  EXPECT_TRUE(has_ended(idle) && has_ended(ends.receiver));
  Recv<int> late = idle.recv();
  EXPECT_FALSE((*late.poll(waker.context())).has_value());
}

TEST(Mpmc, CloseTellsBothSides) {
  auto [sender, receiver] = create<Box>(1);
  Receiver<Box> other = receiver;
  WakeCounter senders, receivers;
  Recv<Box> recv = receiver.recv();
  EXPECT_TRUE(recv.poll(receivers.context()).is_pending());
  other.close();
  EXPECT_EQ(receivers.wakes(), 1);
  EXPECT_FALSE((*recv.poll(receivers.context())).has_value());
  EXPECT_TRUE(sender.is_closed());
  EXPECT_FALSE(*sender.send(std::make_unique<int>(1)).poll(senders.context()));
  auto [full, reader] = create<int>(1);
  EXPECT_TRUE(full.try_send(1));
  Send<int> send = full.send(2);
  EXPECT_TRUE(send.poll(senders.context()).is_pending());
  full.close();
  EXPECT_FALSE(*send.poll(senders.context()));
  EXPECT_EQ(*reader.try_recv(), std::optional<int>(1));
  EXPECT_TRUE(has_ended(reader));
}

// D3
TEST(Mpmc, TheLastReceiverDestroysWhatIsLeft) {
  auto value = std::make_shared<int>(0);
  auto ends = create_unbounded<std::shared_ptr<int>>();
  std::optional<Receiver<std::shared_ptr<int>>> receiver(
      std::move(ends.receiver));
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(ends.sender.send(std::shared_ptr<int>(value)));
  }
  EXPECT_EQ(value.use_count(), 11);
  receiver.reset();
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_FALSE(ends.sender.send(std::shared_ptr<int>(value)));
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Mpmc, ThreadsMayBlock) {
  auto [sender, receiver] = create<int>(2);
  std::thread other([sender = std::move(sender)]() mutable {
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(sender.blocking_send(i));
  });
  int next = 0;
  while (std::optional<int> value = receiver.blocking_recv()) {
    EXPECT_EQ(*value, next++);
  }
  other.join();
  EXPECT_EQ(next, 1'000);
}

Task<uint64_t> add_up(Receiver<uint64_t> receiver) {
  uint64_t sum = 0;
  while (std::optional<uint64_t> value = co_await receiver.recv()) {
    sum += *value;
  }
  co_return sum;
}

Task<> send_numbers(Sender<uint64_t> sender, uint64_t count) {
  for (uint64_t i = 1; i <= count; ++i) EXPECT_TRUE(co_await sender.send(i));
}

// H1, E2: on two workers nothing is lost or received twice.
TEST(Mpmc, TasksShareTheMessages) {
  constexpr uint64_t kEach = 5'000;
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  auto ends = create<uint64_t>(3);
  std::vector<JoinHandle<uint64_t>> receivers;
  for (int i = 0; i < 4; ++i) {
    receivers.push_back(runtime->spawn(add_up(ends.receiver)));
    runtime->spawn(send_numbers(ends.sender, kEach)).detach();
  }
  {
    auto last = std::move(ends.sender);
  }
  uint64_t sum = 0;
  for (auto& receiver : receivers) {
    sum += runtime->block_on(std::move(receiver)).value();
  }
  EXPECT_EQ(sum, 4 * kEach * (kEach + 1) / 2);
}

// E3: random operations, against a queue of messages and one of waiting
// receivers, each of which has the message that was sent for it.
TEST(Mpmc, AgreesWithAModel) {
  struct Actor {
    explicit Actor(Receiver<int> r) : receiver(std::move(r)) {}
    Receiver<int> receiver;
    WakeCounter waker;
    std::optional<Recv<int>> wait;
  };
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 50; ++run) {
    constexpr uint64_t kCapacity = 5;
    auto [sender, first] = create<int>(kCapacity);
    Actor actors[] = {Actor(first), Actor(first), Actor(first)};
    std::deque<int> queue;
    std::deque<Actor*> waiting;  // without a message
    uint64_t granted = 0;        // messages for those who waited
    int sent = 0;
    auto grant = [&] {
      while (!waiting.empty() && granted < queue.size()) {
        waiting.pop_front();
        ++granted;
      }
    };
    auto is_waiting = [&](Actor& actor) {
      return std::find(waiting.begin(), waiting.end(), &actor) != waiting.end();
    };
    for (int step = 0; step < 300; ++step) {
      Actor& actor = actors[random.below(3)];
      if (random.below(3) == 0) {
        const bool has_room = queue.size() < kCapacity;
        ASSERT_EQ(sender.try_send(int{sent}), has_room);
        if (has_room) queue.push_back(sent++);
        grant();
      } else if (!actor.wait.has_value()) {
        actor.wait.emplace(actor.receiver.recv());
        auto polled = actor.wait->poll(actor.waker.context());
        const bool is_there = waiting.empty() && granted < queue.size();
        ASSERT_EQ(polled.is_ready(), is_there);
        if (!is_there) {
          waiting.push_back(&actor);
          continue;
        }
        ASSERT_EQ(**polled, queue.front());
        queue.pop_front();
        actor.wait.reset();
      } else if (random.below(2) == 0) {
        if (is_waiting(actor)) {
          std::erase(waiting, &actor);
        } else {
          --granted;
        }
        actor.wait.reset();
        grant();
      } else {
        auto polled = actor.wait->poll(actor.waker.context());
        ASSERT_EQ(polled.is_pending(), is_waiting(actor));
        if (polled.is_pending()) continue;
        ASSERT_EQ(**polled, queue.front());
        queue.pop_front();
        --granted;
        actor.wait.reset();
      }
      ASSERT_EQ(sender.size(), queue.size());
    }
  }
}

// A value that was not sent is lost with its send(); select() and timeout()
// refuse that.
static_assert(!CancelSafe<Send<int>> && CancelSafe<Send<int>&>);
static_assert(CancelSafe<Recv<int>>);

TEST(Mpmc, APendingSendGivesItsValueBack) {
  auto ends = create<std::unique_ptr<int>>(1);
  WakeCounter waker;
  EXPECT_TRUE(ends.sender.try_send(std::make_unique<int>(1)));
  {
    auto send = ends.sender.send(std::make_unique<int>(2));
    EXPECT_TRUE(send.poll(waker.context()).is_pending());
    EXPECT_EQ(*send.take_value(), 2);
  }
  EXPECT_EQ(***ends.receiver.try_recv(), 1);
  EXPECT_TRUE(ends.receiver.try_recv().is_pending());
  EXPECT_TRUE(ends.sender.try_send(std::make_unique<int>(3)));
}

}  // namespace
}  // namespace eddy::sync::mpmc
