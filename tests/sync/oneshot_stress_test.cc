// A sender and a receiver, each of which may leave at any point of the other's
// life, with wakers that change.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "sync/oneshot.h"
#include "tests/support/quiet_waker.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::oneshot {
namespace {

using testing::QuietWaker;
using testing::Random;
using testing::Stress;
using testing::WakeCounter;

constexpr auto kRelaxed = std::memory_order_relaxed;

// A value in plain memory, which is counted while it lives.
class Value {
 public:
  explicit Value(std::atomic<int>& live)
      : live_(&live), number_(std::make_unique<int>(42)) {
    live_->fetch_add(1, kRelaxed);
  }
  Value(Value&& other) noexcept
      : live_(other.live_), number_(std::move(other.number_)) {
    live_->fetch_add(1, kRelaxed);
  }
  Value& operator=(Value&& other) noexcept {
    number_ = std::move(other.number_);
    return *this;
  }
  ~Value() { live_->fetch_sub(1, kRelaxed); }

  bool is_here() const { return number_ != nullptr && *number_ == 42; }

 private:
  std::atomic<int>* live_;
  std::unique_ptr<int> number_;
};

// Property: a value has one end, whatever the order: received, given back, or
// destroyed with the receiver. A receiver that waits is woken by its latest
// waker, no waker is left behind, and each side sees what the other wrote
// before it spoke.
//
// Planted faults are in tests/faults.txt, under "oneshot".
constexpr int kFlags = 3;

struct Story {
  std::atomic<int> live{0};
  QuietWaker flags[kFlags];
  WakeCounter closed_waker;
  std::optional<Ends<Value>> ends{create<Value>()};
  std::optional<Closed> closed;
  bool is_closed_pending = false;
  int senders_letter = 0;    // plain, written before the sender ends
  int receivers_letter = 0;  // plain, written before the receiver closes
  bool sent = false;
  bool received = false;
  bool left_early = false;
};

void pause_a_little(Story& story, Random& random) {
  if (random.below(2) == 0) return;
  for (int n = random.below(60); n > 0; --n) story.live.load(kRelaxed);
}

void send_or_go(Story& story, Random& random) {
  Sender<Value> sender = std::move(story.ends->sender);
  pause_a_little(story, random);
  if (random.below(4) == 0) {
    story.closed.emplace(sender.closed());
    story.is_closed_pending =
        story.closed->poll(story.closed_waker.context()).is_pending();
  }
  if (random.below(4) == 0 && sender.is_closed()) {
    EXPECT_EQ(story.receivers_letter, 1);
  }
  pause_a_little(story, random);
  story.senders_letter = 1;
  if (random.below(4) == 0) return;  // without a value
  Value value(story.live);
  story.sent = std::move(sender).send(std::move(value));
  EXPECT_EQ(value.is_here(), !story.sent);
  if (!story.sent) {
    EXPECT_EQ(story.receivers_letter, 1);
  }
}

enum class Got { kPending, kNothing, kValue };

Got poll(Receiver<Value>& receiver, QuietWaker& flag) {
  const Waker waker = flag.waker();
  Context cx(waker);
  Poll<std::optional<Value>> polled = receiver.poll(cx);
  if (polled.is_pending()) return Got::kPending;
  return polled->has_value() && (*polled)->is_here() ? Got::kValue
                                                     : Got::kNothing;
}

// Waits until the value has come or cannot come, or leaves before.
void receive_or_go(Story& story, Random& random) {
  Receiver<Value> receiver = std::move(story.ends->receiver);
  const bool stays = random.below(2) == 0;
  const int wakers = stays ? kFlags : random.below(kFlags + 1);
  Got got = Got::kPending;
  for (int i = 0; i < wakers && got == Got::kPending; ++i) {
    pause_a_little(story, random);
    QuietWaker& flag = story.flags[i];
    flag.letter = 1;
    for (int n = random.below(3); n >= 0 && got == Got::kPending; --n) {
      got = poll(receiver, flag);
    }
  }
  if (got == Got::kPending && stays) {
    while (story.flags[kFlags - 1].wakes() == 0) std::this_thread::yield();
    got = poll(receiver, story.flags[0]);
    EXPECT_NE(got, Got::kPending);
  }
  if (got != Got::kPending) {
    EXPECT_EQ(story.senders_letter, 1);
    story.received = got == Got::kValue;
    return;
  }
  story.receivers_letter = 1;
  story.left_early = true;
  if (random.below(2) == 0) {
    receiver.close();
    pause_a_little(story, random);
  }
}

void check(Story& story) {
  EXPECT_EQ(story.live.load(kRelaxed), 0);
  if (!story.left_early) {
    EXPECT_EQ(story.received, story.sent);
  }
  int wakes = 0;
  for (QuietWaker& flag : story.flags) {
    EXPECT_EQ(flag.kept_wakers(), 0);
    wakes += flag.wakes();
  }
  EXPECT_LE(wakes, 1);
  if (story.closed.has_value()) {
    EXPECT_EQ(story.closed_waker.wakes(), story.is_closed_pending ? 1 : 0);
    EXPECT_TRUE(story.closed->poll(story.closed_waker.context()).is_ready());
  }
}

// Several in a row, so that the two sides are often in step.
struct Round {
  Story stories[10];
};

TEST(OneshotStress, AValueHasOneEnd) {
  Stress<Round> stress(/*rounds=*/40'000);
  stress.threads(1, [](Round& round, int, Random& random) {
    for (Story& story : round.stories) send_or_go(story, random);
  });
  stress.threads(1, [](Round& round, int, Random& random) {
    for (Story& story : round.stories) receive_or_go(story, random);
  });
  stress.run([](Round& round) {
    for (Story& story : round.stories) check(story);
  });
}

}  // namespace
}  // namespace eddy::sync::oneshot
