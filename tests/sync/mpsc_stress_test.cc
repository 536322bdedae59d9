// Senders and a receiver that meet at every point of a channel's life.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "sync/mpsc.h"
#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"

namespace eddy::sync::mpsc {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;

constexpr auto kRelaxed = std::memory_order_relaxed;

// In plain memory, and counted while it lives.
class Value {
 public:
  Value(std::atomic<int>& live, int sender, int number)
      : live_(&live), numbers_(new int[2]{sender, number}) {
    live_->fetch_add(1, kRelaxed);
  }
  Value(Value&& other) noexcept
      : live_(other.live_), numbers_(std::move(other.numbers_)) {
    live_->fetch_add(1, kRelaxed);
  }
  Value& operator=(Value&&) = delete;
  ~Value() { live_->fetch_sub(1, kRelaxed); }

  int sender() const { return numbers_[0]; }
  int number() const { return numbers_[1]; }

 private:
  std::atomic<int>* live_;
  std::unique_ptr<int[]> numbers_;
};

constexpr int kReceiverWakers = 40;        // in turn, then the last two
constexpr int kSenders = 2, kValues = 70;  // more than two blocks

template <template <class> class S>
struct Round {
  std::atomic<int> live{0};
  std::vector<S<Value>> senders;
  std::optional<Receiver<Value>> receiver;
  QuietWaker receiver_wakers[kReceiverWakers];
  int used_wakers = 0;
  QuietWaker sender_wakers[kSenders];
  int sent[kSenders] = {};
  std::vector<int> received[kSenders];
  bool closed = false;  // by the receiver
  bool left = false;    // it did not read what was there

  explicit Round(Ends<Value, S> ends) : receiver(std::move(ends.receiver)) {
    senders.push_back(std::move(ends.sender));
    while (senders.size() < kSenders) senders.push_back(senders[0]);
    for (QuietWaker& waker : sender_wakers) waker.letter = 1;
  }
};

struct UnboundedRound : Round<UnboundedSender> {
  UnboundedRound() : Round(create_unbounded<Value>()) {}
};
struct BoundedRound : Round<Sender> {
  BoundedRound() : Round(create<Value>(/*capacity=*/3)) {}
};

template <class Round>
void pause_a_little(Round& round, Random& random) {
  if (random.below(4) != 0) return;
  for (int n = random.below(200); n > 0; --n) round.live.load(kRelaxed);
}

// Before a sender goes: until all has been read, perhaps.
void pause_a_lot(Random& random) {
  for (int n = random.below(8); n > 0; --n) std::this_thread::yield();
}

template <class Round>
QuietWaker& choose_waker(Round& round, Random& random) {
  if (round.used_wakers == kReceiverWakers) {
    return round.receiver_wakers[kReceiverWakers - 1 - random.below(2)];
  }
  QuietWaker& target = round.receiver_wakers[round.used_wakers++];
  target.letter = 1;
  return target;
}

// The value; empty at the end.
template <class Round>
std::optional<Value> receive(Round& round, Random& random) {
  for (;;) {
    QuietWaker& target = choose_waker(round, random);
    const Waker waker = target.waker();
    const int before = target.wakes();
    Context cx(waker);
    Poll<std::optional<Value>> polled = round.receiver->recv().poll(cx);
    if (polled.is_ready()) return *std::move(polled);
    if (random.below(4) == 0) continue;  // for nothing
    while (target.wakes() == before) std::this_thread::yield();
  }
}

// Reads to the end; or closes the channel after some and reads what is left; or
// goes after some.
template <class Round>
void read(Round& round, int, Random& random) {
  const int way = random.below(3);
  const int limit = way == 0 ? 1'000 : random.below(kValues);
  for (int count = 0;; ++count) {
    if (count == limit) {
      round.closed = true;
      round.left = way == 2;
      if (round.left) break;
      round.receiver->close();
    }
    std::optional<Value> value = receive(round, random);
    if (!value.has_value()) break;
    round.received[value->sender()].push_back(value->number());
    pause_a_little(round, random);
  }
  round.receiver.reset();
}

template <class Round>
void check(Round& round) {
  EXPECT_EQ(round.live.load(kRelaxed), 0);
  for (int sender = 0; sender < kSenders; ++sender) {
    const std::vector<int>& received = round.received[sender];
    EXPECT_LE(int(received.size()), round.sent[sender]);
    if (!round.left) {
      EXPECT_EQ(int(received.size()), round.sent[sender]);
    }
    for (size_t i = 0; i < received.size(); ++i) EXPECT_EQ(received[i], int(i));
    if (!round.closed) {
      EXPECT_EQ(round.sent[sender], kValues);
    }
    EXPECT_EQ(round.sender_wakers[sender].kept_wakers(), 0);
  }
  for (QuietWaker& waker : round.receiver_wakers) {
    EXPECT_EQ(waker.kept_wakers(), 0);
  }
}

// Property (E2): all that was sent is received, once and in the order of its
// sender, and nothing else; a receiver that waits is woken, also by the end.
//
// Planted faults are in tests/faults.txt, under "mpsc".
TEST(MpscStress, WhatWasSentIsReceived) {
  Stress<UnboundedRound> stress(/*rounds=*/6'000);
  stress.threads(kSenders, [](UnboundedRound& round, int me, Random& random) {
    UnboundedSender<Value> sender = std::move(round.senders[me]);
    for (int& sent = round.sent[me]; sent < kValues; ++sent) {
      if (!sender.send(Value(round.live, me, sent))) return;
      pause_a_little(round, random);
    }
    pause_a_lot(random);
  });
  stress.threads(1, read<UnboundedRound>);
  stress.run(check<UnboundedRound>);
}

// Property (E2): the same where senders wait for room, and give up waiting.
bool send(BoundedRound& round, Sender<Value>& sender, int me, Random& random) {
  QuietWaker& target = round.sender_wakers[me];
  const Waker waker = target.waker();
  for (;;) {
    Reserve<Value> reserve = sender.reserve();
    const bool is_patient = random.below(3) != 0;
    for (bool waits = true; waits;) {
      const int before = target.wakes();
      Context cx(waker);
      Poll<std::optional<Permit<Value>>> polled = reserve.poll(cx);
      if (polled.is_ready()) {
        if (!polled->has_value()) return false;
        if (random.below(4) == 0) break;  // lets the room go
        return std::move(**polled).send(Value(round.live, me, round.sent[me]));
      }
      waits = is_patient;  // or stands in line anew
      while (waits && target.wakes() == before) std::this_thread::yield();
    }
  }
}

TEST(MpscStress, WhatWasSentWithRoomIsReceived) {
  Stress<BoundedRound> stress(/*rounds=*/2'000);
  stress.threads(kSenders, [](BoundedRound& round, int me, Random& random) {
    Sender<Value> sender = std::move(round.senders[me]);
    int& sent = round.sent[me];
    while (sent < kValues && send(round, sender, me, random)) ++sent;
  });
  stress.threads(1, read<BoundedRound>);
  stress.run(check<BoundedRound>);
}

}  // namespace
}  // namespace eddy::sync::mpsc
