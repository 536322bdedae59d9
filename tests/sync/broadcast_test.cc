#include "sync/broadcast.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::broadcast {
namespace {

using testing::WakeCounter;

template <class T>
T take(Receiver<T>& receiver) {
  Poll<std::optional<Received<T>>> received = receiver.try_recv();
  EXPECT_TRUE(received.is_ready());
  EXPECT_EQ((*received)->missed, 0u);
  return (*received)->value;
}

TEST(Broadcast, EachReceiverGetsEachMessage) {
  auto [sender, first] = create<int>(4);
  Receiver<int> second = sender.subscribe();
  EXPECT_TRUE(sender.send(1));
  Receiver<int> late = first.resubscribe();
  EXPECT_TRUE(sender.send(2));
  EXPECT_EQ(first.size(), 2u);
  for (int i : {1, 2}) EXPECT_EQ(take(first), i);
  for (int i : {1, 2}) EXPECT_EQ(take(second), i);
  EXPECT_EQ(take(late), 2);
  EXPECT_TRUE(first.try_recv().is_pending());
  EXPECT_EQ(first.size(), 0u);
}

TEST(Broadcast, AMessageWakesAllWhoWait) {
  auto [sender, first] = create<int>(4);
  Receiver<int> second = first;
  WakeCounter waker;
  Recv<int> a = first.recv(), b = second.recv();
  EXPECT_TRUE(a.poll(waker.context()).is_pending());
  EXPECT_TRUE(b.poll(waker.context()).is_pending());
  EXPECT_TRUE(sender.send(1));
  EXPECT_TRUE(sender.send(2));
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_EQ((*a.poll(waker.context()))->value, 1);
  EXPECT_EQ((*b.poll(waker.context()))->value, 1);
}

TEST(Broadcast, WhoFallsBehindLearnsByHowMany) {
  auto [sender, receiver] = create<int>(3);  // that is, 4
  for (int i = 0; i < 11; ++i) EXPECT_TRUE(sender.send(int{i}));
  EXPECT_EQ(receiver.size(), 4u);
  auto received = *receiver.try_recv();
  EXPECT_EQ(received->missed, 7u);
  EXPECT_EQ(received->value, 7);
  for (int i : {8, 9, 10}) EXPECT_EQ(take(receiver), i);
}

TEST(Broadcast, EndsWithItsLastSenderOrClose) {
  auto ends = create<int>(4);
  std::optional<Sender<int>> sender(std::move(ends.sender)), other(*sender);
  WakeCounter waker;
  EXPECT_TRUE(other->send(1));
  other.reset();
  EXPECT_EQ(take(ends.receiver), 1);
  Recv<int> recv = ends.receiver.recv();
  EXPECT_TRUE(recv.poll(waker.context()).is_pending());
  sender->close();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_FALSE((*recv.poll(waker.context())).has_value());
  EXPECT_FALSE(sender->send(2));
  EXPECT_FALSE((*ends.receiver.try_recv()).has_value());
  auto ended = create<int>(4);
  EXPECT_TRUE(ended.sender.send(1));
  {
    Sender<int> last = std::move(ended.sender);
  }
  EXPECT_EQ(take(ended.receiver), 1);
  EXPECT_FALSE((*ended.receiver.try_recv()).has_value());
}

TEST(Broadcast, SendersKnowWhetherAnybodyReceives) {
  auto ends = create<std::shared_ptr<int>>(2);
  std::optional<Receiver<std::shared_ptr<int>>> receiver(
      std::move(ends.receiver));
  WakeCounter waker;
  auto closed = ends.sender.closed();
  EXPECT_TRUE(closed.poll(waker.context()).is_pending());
  EXPECT_EQ(ends.sender.receiver_count(), 1u);
  receiver.reset();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(closed.poll(waker.context()).is_ready());
  auto value = std::make_shared<int>(1);
  EXPECT_FALSE(ends.sender.send(std::move(value)));
  EXPECT_NE(value, nullptr);
}

// D2: a message that could not be copied can be received again.
struct Fragile {
  Fragile(int number, int* failures) : number(number), failures(failures) {}
  Fragile(Fragile&&) = default;
  Fragile& operator=(Fragile&&) = default;
  Fragile(const Fragile& other)
      : number(other.number), failures(other.failures) {
    if (*failures > 0 && (*failures)-- > 0) throw std::runtime_error("copy");
  }
  int number;
  int* failures;
};

TEST(Broadcast, ACopyThatThrowsLosesNothing) {
  auto [sender, receiver] = create<Fragile>(2);
  int failures = 1;
  EXPECT_TRUE(sender.send(Fragile(1, &failures)));
  WakeCounter waker;
  EXPECT_THROW((void)receiver.recv().poll(waker.context()), std::runtime_error);
  EXPECT_EQ((*receiver.try_recv())->value.number, 1);
}

// D3: each value is destroyed, once it is replaced or with the channel.
TEST(Broadcast, ValuesEndWithTheirPlace) {
  auto value = std::make_shared<int>(0);
  auto old = std::make_shared<int>(0);
  {
    auto [sender, receiver] = create<std::shared_ptr<int>>(2);
    EXPECT_TRUE(sender.send(std::shared_ptr<int>(old)));
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(sender.send(std::shared_ptr<int>(value)));
    }
    EXPECT_EQ(old.use_count(), 1);
    EXPECT_EQ(value.use_count(), 3);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Broadcast, ThreadsMayBlock) {
  auto [sender, receiver] = create<int>(1'024);
  std::thread other([sender = std::move(sender)]() mutable {
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(sender.send(int{i}));
  });
  int next = 0;
  while (auto received = receiver.blocking_recv()) {
    EXPECT_EQ(received->value, next++);
  }
  other.join();
  EXPECT_EQ(next, 1'000);
}

// E3: random operations, against a list of all messages and a place in it for
// each receiver.
TEST(Broadcast, AgreesWithAModel) {
  struct Actor {
    explicit Actor(Receiver<int> r, uint64_t at)
        : receiver(std::move(r)), next(at) {}
    Receiver<int> receiver;
    uint64_t next;
    WakeCounter waker;
    std::optional<Recv<int>> wait;
  };
  constexpr uint64_t kCapacity = 4;
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 50; ++run) {
    auto [sender, first] = create<int>(kCapacity);
    std::deque<Actor> actors;
    actors.emplace_back(std::move(first), 0);
    uint64_t sent = 0;
    for (int step = 0; step < 300; ++step) {
      Actor& actor = actors[random.below(actors.size())];
      if (random.below(40) == 0 && actors.size() < 5) {
        actors.emplace_back(actor.receiver.resubscribe(), sent);
      } else if (random.below(2) == 0) {
        ASSERT_TRUE(sender.send(int(sent++)));
        for (Actor& each : actors) {
          if (each.wait) {
            ASSERT_GT(each.waker.wakes(), 0);
          }
        }
      } else if (actor.wait && random.below(4) == 0) {
        actor.wait.reset();
      } else {
        if (!actor.wait) actor.wait.emplace(actor.receiver.recv());
        auto received = actor.wait->poll(actor.waker.context());
        ASSERT_EQ(received.is_ready(), actor.next < sent);
        if (received.is_pending()) continue;
        const uint64_t oldest = sent - std::min(sent, kCapacity);
        const uint64_t at = std::max(actor.next, oldest);
        ASSERT_EQ((*received)->missed, at - actor.next);
        ASSERT_EQ((*received)->value, int(at));
        actor.next = at + 1;
        actor.wait.reset();
      }
    }
  }
}

// A sender that was stopped between the two steps of a send: with one slot the
// message is found before the tail says that there is one.
TEST(Broadcast, AMessageThatIsAheadOfTheTail) {
  auto channel = std::make_shared<Channel<int>>(1);
  Receiver<int> receiver(channel);
  EXPECT_TRUE(channel->push(0));
  const uint64_t position = channel->tail().now();
  auto message = make_pooled<Message<int>>(1);
  message->position = position;
  (void)channel->slot(position).replace(std::move(message));
  Poll<std::optional<Received<int>>> received = receiver.try_recv();
  ASSERT_TRUE(received.is_ready());
  EXPECT_EQ((*received)->value, 1);
  EXPECT_EQ((*received)->missed, 1u);
  EXPECT_TRUE(receiver.try_recv().is_pending());
  EXPECT_EQ(receiver.size(), 0u);
}

}  // namespace
}  // namespace eddy::sync::broadcast
