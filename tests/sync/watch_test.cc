#include "sync/watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "runtime/base/random.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::watch {
namespace {

using testing::WakeCounter;

TEST(Watch, AReceiverSeesTheLatest) {
  auto [sender, receiver] = create<std::unique_ptr<int>>(nullptr);
  WakeCounter waker;
  EXPECT_FALSE(receiver.has_changed());
  Changed changed = receiver.changed();
  EXPECT_TRUE(changed.poll(waker.context()).is_pending());
  EXPECT_TRUE(sender.send(std::make_unique<int>(1)));
  EXPECT_TRUE(sender.send(std::make_unique<int>(2)));
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_TRUE(*changed.poll(waker.context()));
  EXPECT_EQ(**receiver.borrow(), 2);
  EXPECT_FALSE(receiver.has_changed());
}

TEST(Watch, WhatWasBorrowedStaysAsItIs) {
  auto [sender, receiver] = create(1);
  Snapshot<int> before = receiver.borrow();
  EXPECT_EQ(*sender.send_replace(2), 1);
  EXPECT_EQ(*before, 1);
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_EQ(*receiver.borrow(), 2);
  EXPECT_TRUE(receiver.has_changed());
  EXPECT_EQ(*receiver.borrow_and_update(), 2);
  EXPECT_FALSE(receiver.has_changed());
  receiver.mark_changed();
  EXPECT_TRUE(receiver.has_changed());
  receiver.mark_unchanged();
  EXPECT_FALSE(receiver.has_changed());
}

TEST(Watch, ModifyingSendsIfItSaysSo) {
  auto [sender, receiver] = create(1);
  sender.send_modify([](int& value) { value += 10; });
  EXPECT_EQ(*receiver.borrow_and_update(), 11);
  auto halve = [](int& value) {
    const bool is_even = value % 2 == 0;
    value = is_even ? value / 2 : -1;
    return is_even;
  };
  EXPECT_FALSE(sender.send_if_modified(halve));
  EXPECT_FALSE(receiver.has_changed());
  EXPECT_EQ(*sender.borrow(), 11);
  sender.send_replace(8);
  EXPECT_TRUE(sender.send_if_modified(halve));
  EXPECT_EQ(*receiver.borrow(), 4);
}

TEST(Watch, AModificationIsMadeAnewIfAnotherSendsMeanwhile) {
  auto [sender, receiver] = create(0);
  Sender<int> other = sender;
  int calls = 0;
  sender.send_modify([&](int& value) {
    if (++calls == 1) other.send_replace(100);
    ++value;
  });
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(*receiver.borrow(), 101);
}

// D2
TEST(Watch, ACallableThatThrowsChangesNothing) {
  auto [sender, receiver] = create(1);
  auto fail = [](int& value) {
    value = 2;
    throw std::runtime_error("no");
  };
  EXPECT_THROW(sender.send_modify(fail), std::runtime_error);
  EXPECT_EQ(*receiver.borrow(), 1);
  EXPECT_FALSE(receiver.has_changed());
  WakeCounter waker;
  auto wait = receiver.wait_for([](const int& value) {
    return value == 1 ? throw std::runtime_error("no") : true;
  });
  EXPECT_THROW((void)wait.poll(waker.context()), std::runtime_error);
  sender.send_replace(3);
  EXPECT_EQ(**wait.poll(waker.context()), 3);
}

TEST(Watch, WaitForFindsARightValue) {
  auto [sender, receiver] = create(0);
  WakeCounter waker;
  int looks = 0;
  auto wait = receiver.wait_for([&looks](int value) {
    ++looks;
    return value >= 2;
  });
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  sender.send_replace(1);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  sender.send_replace(2);
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_EQ(**wait.poll(waker.context()), 2);
  EXPECT_FALSE(receiver.has_changed());
  EXPECT_EQ(looks, 3);
  auto at_once = receiver.wait_for([](int value) { return value == 2; });
  EXPECT_TRUE(at_once.poll(waker.context()).is_ready());
}

TEST(Watch, EndsWithItsLastSender) {
  auto [first, receiver] = create(0);
  std::optional<Sender<int>> sender(std::move(first)), other(*sender);
  WakeCounter waker;
  other->send_replace(1);
  other.reset();
  EXPECT_FALSE(receiver.is_closed());
  auto wait = receiver.wait_for([](int value) { return value == 9; });
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  sender->send_replace(2);
  sender.reset();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(*wait.poll(waker.context()), nullptr);
  EXPECT_TRUE(receiver.is_closed());
  receiver.mark_changed();
  EXPECT_TRUE(*receiver.changed().poll(waker.context()));  // the last value
  EXPECT_FALSE(*receiver.changed().poll(waker.context()));
  EXPECT_EQ(*receiver.borrow(), 2);
}

TEST(Watch, SendersKnowWhetherAnybodyReceives) {
  auto [sender, first] = create(0);
  std::optional<Receiver<int>> receiver(std::move(first)), copy(*receiver);
  WakeCounter waker;
  auto closed = sender.closed();
  EXPECT_EQ(sender.receiver_count(), 2u);
  EXPECT_TRUE(closed.poll(waker.context()).is_pending());
  receiver.reset();
  EXPECT_EQ(waker.wakes(), 0);
  copy.reset();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(closed.poll(waker.context()).is_ready());
  EXPECT_FALSE(sender.send(1));
  EXPECT_EQ(*sender.borrow(), 0);
  sender.send_replace(5);
  Receiver<int> late = sender.subscribe();
  EXPECT_FALSE(late.has_changed());
  EXPECT_EQ(*late.borrow(), 5);
  EXPECT_FALSE(sender.is_closed());
}

TEST(Watch, ThreadsMayBlock) {
  auto [sender, receiver] = create(0);
  std::thread other([sender = std::move(sender)]() mutable {
    for (int i = 1; i <= 100; ++i) sender.send(int{i});
  });
  while (receiver.blocking_changed()) receiver.borrow_and_update();
  other.join();
  EXPECT_EQ(*receiver.borrow(), 100);
}

// E3: random operations of a sender and three receivers, against a counter of
// versions: who waits is woken by the next value, and by nothing else.
TEST(Watch, AgreesWithAModel) {
  struct Actor {
    explicit Actor(Receiver<int> r) : receiver(std::move(r)) {}
    Receiver<int> receiver;
    WakeCounter waker;
    std::optional<Changed<int>> wait;
    bool is_waiting = false;
    int wakes = 0, seen = 0;
  };
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 50; ++run) {
    auto [sender, first] = create(0);
    Actor actors[] = {Actor(first), Actor(first), Actor(first)};
    int latest = 0;
    for (int step = 0; step < 200; ++step) {
      Actor& actor = actors[random.below(3)];
      switch (random.below(4)) {
        case 0:
          sender.send_replace(++latest);
          for (Actor& each : actors) {
            each.wakes += std::exchange(each.is_waiting, false) ? 1 : 0;
          }
          break;
        case 1:
          actor.wait.reset();
          actor.is_waiting = false;
          ASSERT_EQ(*actor.receiver.borrow_and_update(), latest);
          actor.seen = latest;
          break;
        default: {
          if (!actor.wait) actor.wait.emplace(actor.receiver.changed());
          Poll<bool> polled = actor.wait->poll(actor.waker.context());
          ASSERT_EQ(polled.is_ready(), actor.seen != latest);
          actor.seen = latest;
          actor.is_waiting = polled.is_pending();
          if (polled.is_ready()) actor.wait.reset();
        }
      }
      for (Actor& each : actors) ASSERT_EQ(each.waker.wakes(), each.wakes);
    }
  }
}

}  // namespace
}  // namespace eddy::sync::watch
