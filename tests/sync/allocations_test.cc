// The memory of the channels: what happens when there is none, and that it is
// given back.
#include "tests/support/allocations.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "sync/broadcast.h"
#include "sync/mpmc.h"
#include "sync/mpsc.h"
#include "sync/watch.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::FailAllocation;
using testing::WakeCounter;

// Of no size class of the pool, so that each message is an allocation.
struct Large {
  explicit Large(int n) : number(n) {}
  int number;
  char room[4'000] = {};
};

// What was sent is there, and after it all the room.
template <class Ends>
void check_all_room(Ends& ends, int sent) {
  for (int i = 0; i < sent; ++i) {
    EXPECT_EQ((**ends.receiver.try_recv()).number, i);
  }
  EXPECT_TRUE(ends.receiver.try_recv().is_pending());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ends.sender.try_send(Large(i)));
  EXPECT_FALSE(ends.sender.try_send(Large(9)));
}

// D1: what can't be sent for want of memory takes no room, and the channel
// works on.
template <class Ends>
void send_without_memory(Ends ends) {
  WakeCounter waker;
  int sent = 0;
  testing::fail_each_allocation([&](FailAllocation& fault) {
    auto send = ends.sender.send(Large(sent));
    try {
      EXPECT_TRUE(*send.poll(waker.context()));
      ++sent;
    } catch (const std::bad_alloc&) {
    }
    fault.stop();
  });
  check_all_room(ends, sent);
}

TEST(Allocations, AFailureOfSendTakesNoRoom) {
  for (int queued = 0; queued < 3; ++queued) {  // at each place of a block
    auto ends = mpsc::create<Large>(4);
    for (int i = 0; i < queued; ++i) {
      EXPECT_TRUE(ends.sender.try_send(Large(0)));
      EXPECT_TRUE(ends.receiver.try_recv().is_ready());
    }
    send_without_memory(std::move(ends));
  }
  send_without_memory(mpmc::create<Large>(4));
}

// D1: what a vector has no memory for is not lost, but received later.
TEST(Allocations, AFailureOfRecvManyLosesNothing) {
  constexpr int kSent = 1'000;
  auto ends = mpsc::create<int>(kSent);
  for (int i = 0; i < kSent; ++i) EXPECT_TRUE(ends.sender.try_send(int{i}));
  WakeCounter waker;
  std::vector<int> got;
  int failures = 0;
  for (int turn = 0; turn < kSent / 100; ++turn) {
    testing::fail_each_allocation([&](FailAllocation& fault) {
      auto many = ends.receiver.recv_many(got, 100);
      try {
        (void)many.poll(waker.context());
      } catch (const std::bad_alloc&) {
        ++failures;
      }
      fault.stop();
    });
    EXPECT_EQ(ends.sender.capacity(), got.size());
  }
  EXPECT_TRUE(failures > 5 || !testing::allocations_are_counted());
  ASSERT_EQ(got.size(), std::size_t{kSent});
  for (int i = 0; i < kSent; ++i) EXPECT_EQ(got[i], i);
}

// D1
TEST(Allocations, AFailureOfABroadcastSendsNothing) {
  auto [sender, receiver] = broadcast::create<Large>(2);
  int failures = 0;
  testing::fail_each_allocation([&](FailAllocation& fault) {
    try {
      EXPECT_TRUE(sender.send(Large(1)));
    } catch (const std::bad_alloc&) {
      ++failures;
    }
    fault.stop();
  });
  EXPECT_EQ(failures, testing::allocations_are_counted() ? 1 : 0);
  EXPECT_EQ((*receiver.try_recv())->value.number, 1);
  EXPECT_TRUE(receiver.try_recv().is_pending());
}

// D1
TEST(Allocations, AFailureOfAWatchKeepsTheValue) {
  auto [sender, receiver] = watch::create(1);
  testing::fail_each_allocation(
      [&, &sender = sender, &receiver = receiver](FailAllocation& fault) {
        try {
          sender.send_replace(2);
        } catch (const std::bad_alloc&) {
          EXPECT_EQ(*receiver.borrow(), 1);
        }
        fault.stop();
      });
  EXPECT_EQ(*receiver.borrow(), 2);
}

// The blocks of a burst are freed as they are read: the next burst allocates
// as much again.
TEST(Allocations, AChannelGivesItsMemoryBackAfterABurst) {
  if (!testing::allocations_are_counted()) GTEST_SKIP();
  auto [sender, receiver] = mpsc::create_unbounded<int>();
  auto burst = [&, &sender = sender, &receiver = receiver] {
    const int64_t before = testing::allocated_bytes();
    for (int i = 0; i < 100'000; ++i) EXPECT_TRUE(sender.send(1));
    for (int i = 0; i < 100'000; ++i) {
      EXPECT_TRUE(receiver.try_recv().is_ready());
    }
    return testing::allocated_bytes() - before;
  };
  const int64_t first = burst();
  EXPECT_GT(first, 1'000'000);
  EXPECT_NEAR(double(burst()), double(first), 5'000);
  // What is sent and received in turn allocates nothing.
  const int64_t before = testing::allocated_bytes();
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(sender.send(1));
    EXPECT_TRUE(receiver.try_recv().is_ready());
  }
  EXPECT_LT(testing::allocated_bytes() - before, 5'000);
}

}  // namespace
}  // namespace eddy::sync
