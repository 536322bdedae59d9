// Senders and receivers of watch, broadcast and mpmc that meet at every point
// of a channel's life.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "sync/broadcast.h"
#include "sync/mpmc.h"
#include "sync/watch.h"
#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"

namespace eddy::sync {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr int kReceivers = 2;

// A value in plain memory, so that ThreadSanitizer sees who reads it; and
// counted while it lives.
class Value {
 public:
  Value(std::atomic<int>& live, int number)
      : live_(&live), number_(std::make_unique<int>(number)) {
    live_->fetch_add(1, kRelaxed);
  }
  // Slow now and then, for what may come to a value while it is read.
  Value(const Value& other) : Value(*other.live_, 0) {
    if (*other.number_ % 8 == 1) std::this_thread::yield();
    *number_ = *other.number_;
  }
  Value(Value&& other) noexcept
      : live_(other.live_), number_(std::move(other.number_)) {
    live_->fetch_add(1, kRelaxed);
  }
  Value& operator=(Value&&) noexcept = default;
  ~Value() { live_->fetch_sub(1, kRelaxed); }

  int number() const { return *number_; }

 private:
  std::atomic<int>* live_;
  std::unique_ptr<int> number_;
};

// Polls until it is ready: waits for the wake, polls for nothing, or drops the
// future and makes another.
template <class Make>
auto await_somehow(Make make, QuietWaker& target, Random& random) {
  const Waker waker = target.waker();
  for (;;) {
    auto future = make();
    for (bool goes_on = true; goes_on;) {
      const int before = target.wakes();
      Context cx(waker);
      auto polled = future.poll(cx);
      if (polled.is_ready()) return *std::move(polled);
      switch (random.below(4)) {
        case 0:
          goes_on = false;
          break;
        case 1:
          break;
        default:
          while (target.wakes() == before) std::this_thread::yield();
      }
    }
  }
}

void pause_a_little(std::atomic<int>& word, Random& random) {
  if (random.below(3) != 0) return;
  for (int n = random.below(150); n > 0; --n) word.load(kRelaxed);
}

template <class Ends>
struct Round {
  using Receiver = decltype(std::declval<Ends&>().receiver);
  using Sender = decltype(std::declval<Ends&>().sender);

  std::atomic<int> live{0};
  std::optional<Sender> sender;
  std::optional<Receiver> receivers[kReceivers];
  QuietWaker wakers[kReceivers + 1];
  std::vector<int> received[kReceivers];
  std::atomic<int> satisfied{0};  // receivers that have got all

  template <class Make>
  explicit Round(Make make) {
    Ends ends = make(live);
    sender.emplace(std::move(ends.sender));
    for (auto& receiver : receivers) receiver.emplace(ends.receiver);
    for (QuietWaker& waker : wakers) waker.letter = 1;
  }

  // By the sender, before it goes: so that the end comes to those who wait.
  void wait_for_receivers() {
    while (satisfied.load(kRelaxed) < kReceivers) std::this_thread::yield();
  }
  void check_that_all_is_gone() {
    EXPECT_EQ(live.load(kRelaxed), 0);
    for (QuietWaker& waker : wakers) EXPECT_EQ(waker.kept_wakers(), 0);
  }
};

// Property (E2): a receiver that waits for a change is woken by it, and by the
// end; it sees newer values only, and the last of them.
//
// Planted faults are in tests/faults.txt, under "watch".
constexpr int kVersions = 30;

struct WatchRound : Round<watch::Ends<Value>> {
  WatchRound()
      : Round([](std::atomic<int>& live) {
          return watch::create(Value(live, 0));
        }) {}
};

TEST(FanoutStress, WatchersSeeTheLastValue) {
  Stress<WatchRound> stress(/*rounds=*/1'500);
  stress.threads(1, [](WatchRound& round, int, Random& random) {
    watch::Sender<Value> sender = *std::move(round.sender);
    round.sender.reset();
    for (int i = 1; i <= kVersions; ++i) {
      (void)sender.send_replace(Value(round.live, i));
      pause_a_little(round.live, random);
    }
    round.wait_for_receivers();
    pause_a_little(round.live, random);
  });
  stress.threads(kReceivers, [](WatchRound& round, int me, Random& random) {
    watch::Receiver<Value> receiver = *std::move(round.receivers[me]);
    round.receivers[me].reset();
    QuietWaker& target = round.wakers[me];
    int last = 0;
    while (await_somehow([&] { return receiver.changed(); }, target, random)) {
      const int number = receiver.borrow_and_update()->number();
      EXPECT_GT(number, last);
      last = number;
      if (last == kVersions) round.satisfied.fetch_add(1, kRelaxed);
      pause_a_little(round.live, random);
    }
    EXPECT_EQ(last, kVersions);
  });
  stress.run([](WatchRound& round) { round.check_that_all_is_gone(); });
}

// Property (E2): each receiver gets the messages in their order, but for those
// that it is told to have missed; none is freed while it is read, and each is
// freed; who waits is woken, also by the end.
constexpr int kMessages = 40;

struct BroadcastRound : Round<broadcast::Ends<Value>> {
  BroadcastRound()
      : Round([](std::atomic<int>&) {
          return broadcast::create<Value>(/*capacity=*/2);
        }) {}
};

TEST(FanoutStress, WhatIsBroadcastIsReceivedOrMissed) {
  Stress<BroadcastRound> stress(/*rounds=*/1'500);
  stress.threads(1, [](BroadcastRound& round, int, Random& random) {
    broadcast::Sender<Value> sender = *std::move(round.sender);
    round.sender.reset();
    for (int i = 0; i < kMessages; ++i) {
      EXPECT_TRUE(sender.send(Value(round.live, i)));
      pause_a_little(round.live, random);
    }
    round.wait_for_receivers();
    pause_a_little(round.live, random);
  });
  stress.threads(kReceivers, [](BroadcastRound& round, int me, Random& random) {
    broadcast::Receiver<Value> receiver = *std::move(round.receivers[me]);
    round.receivers[me].reset();
    int next = 0;
    for (;;) {
      auto received = await_somehow([&] { return receiver.recv(); },
                                    round.wakers[me], random);
      if (!received.has_value()) break;
      next += int(received->missed);
      EXPECT_EQ(received->value.number(), next);
      if (++next == kMessages) round.satisfied.fetch_add(1, kRelaxed);
      pause_a_little(round.live, random);
    }
    EXPECT_EQ(next, kMessages);
  });
  stress.run([](BroadcastRound& round) { round.check_that_all_is_gone(); });
}

// Property (E2): each message goes to one receiver, or, if they are gone, to
// nobody; who waits is woken, also by the end.
struct MpmcRound : Round<mpmc::Ends<Value, mpmc::Sender>> {
  MpmcRound()
      : Round([](std::atomic<int>&) { return mpmc::create<Value>(2); }) {}
  int sent = 0;
};

TEST(FanoutStress, EachMessageGoesToOne) {
  Stress<MpmcRound> stress(/*rounds=*/1'500);
  stress.threads(1, [](MpmcRound& round, int, Random& random) {
    mpmc::Sender<Value> sender = *std::move(round.sender);
    round.sender.reset();
    for (int& i = round.sent; i < kMessages; ++i) {
      QuietWaker& target = round.wakers[kReceivers];
      const Waker waker = target.waker();
      mpmc::Send<Value> send = sender.send(Value(round.live, i));
      for (;;) {
        const int before = target.wakes();
        Context cx(waker);
        Poll<bool> polled = send.poll(cx);
        if (polled.is_ready() && !*polled) return;
        if (polled.is_ready()) break;
        while (target.wakes() == before) std::this_thread::yield();
      }
      pause_a_little(round.live, random);
    }
  });
  stress.threads(kReceivers, [](MpmcRound& round, int me, Random& random) {
    mpmc::Receiver<Value> receiver = *std::move(round.receivers[me]);
    round.receivers[me].reset();
    const int limit = random.below(4) == 0 ? 10 : 2 * kMessages;
    for (int i = 0; i < limit; ++i) {
      std::optional<Value> value = await_somehow(
          [&] { return receiver.recv(); }, round.wakers[me], random);
      if (!value.has_value()) return;
      round.received[me].push_back(value->number());
    }
  });
  stress.run([](MpmcRound& round) {
    round.check_that_all_is_gone();
    std::vector<int> seen(kMessages);
    for (auto& of_one : round.received) {
      for (size_t i = 0; i < of_one.size(); ++i) {
        ++seen[of_one[i]];
        if (i > 0) {
          EXPECT_GT(of_one[i], of_one[i - 1]);
        }
      }
    }
    const bool all_were_sent = round.sent == kMessages;
    for (int count : seen) {
      EXPECT_LE(count, 1);
      if (all_were_sent && round.received[0].size() != 10 &&
          round.received[1].size() != 10) {
        EXPECT_EQ(count, 1);
      }
    }
  });
}

}  // namespace
}  // namespace eddy::sync
