#include "sync/oneshot.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "runtime/combinators/select.h"
#include "runtime/task/task.h"
#include "tests/support/block_on.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::oneshot {
namespace {

using testing::WakeCounter;
using Box = std::unique_ptr<int>;

TEST(Oneshot, SendWakesTheReceiver) {
  WakeCounter waker;
  auto [sender, receiver] = create<Box>();
  EXPECT_TRUE(receiver.poll(waker.context()).is_pending());
  EXPECT_TRUE(std::move(sender).send(std::make_unique<int>(42)));
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(***receiver.poll(waker.context()), 42);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(Oneshot, AValueSentBeforeIsReadyAtOnce) {
  WakeCounter waker;
  auto [sender, receiver] = create<int>();
  EXPECT_TRUE(std::move(sender).send(42));
  EXPECT_EQ(*receiver.poll(waker.context()), std::optional<int>(42));
}

TEST(Oneshot, ADroppedSenderGivesNothing) {
  WakeCounter waker;
  auto ends = create<int>();
  EXPECT_TRUE(ends.receiver.poll(waker.context()).is_pending());
  {
    Sender<int> dropped = std::move(ends.sender);
  }
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(*ends.receiver.poll(waker.context()), std::nullopt);
}

TEST(Oneshot, ADroppedReceiverGivesTheValueBack) {
  WakeCounter waker;
  auto ends = create<Box>();
  Closed closed = ends.sender.closed();
  EXPECT_TRUE(closed.poll(waker.context()).is_pending());
  EXPECT_FALSE(ends.sender.is_closed());
  {
    Receiver<Box> dropped = std::move(ends.receiver);
  }
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(closed.poll(waker.context()).is_ready());
  EXPECT_TRUE(ends.sender.is_closed());
  auto value = std::make_unique<int>(42);
  EXPECT_FALSE(std::move(ends.sender).send(std::move(value)));
  EXPECT_EQ(*value, 42);
}

TEST(Oneshot, CloseKeepsWhatWasSent) {
  WakeCounter waker;
  auto sent = create<int>();
  EXPECT_TRUE(std::move(sent.sender).send(42));
  sent.receiver.close();
  EXPECT_EQ(*sent.receiver.poll(waker.context()), std::optional<int>(42));
  sent.receiver.close();  // after the end
  auto unsent = create<int>();
  unsent.receiver.close();
  EXPECT_TRUE(unsent.sender.is_closed());
  EXPECT_FALSE(std::move(unsent.sender).send(42));
  EXPECT_EQ(*unsent.receiver.poll(waker.context()), std::nullopt);
}

TEST(Oneshot, AValueThatNobodyReceivesDiesWithTheReceiver) {
  auto value = std::make_shared<int>(42);
  const std::weak_ptr<int> watch = value;
  auto ends = create<std::shared_ptr<int>>();
  EXPECT_TRUE(std::move(ends.sender).send(std::move(value)));
  EXPECT_FALSE(watch.expired());
  {
    Receiver<std::shared_ptr<int>> dropped = std::move(ends.receiver);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Oneshot, DroppedWaitsAreForgotten) {
  WakeCounter waker;
  auto ends = create<int>();
  {
    Closed closed = ends.sender.closed();
    EXPECT_TRUE(closed.poll(waker.context()).is_pending());
  }
  {
    Receiver<int> receiver = std::move(ends.receiver);
    EXPECT_TRUE(receiver.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_FALSE(std::move(ends.sender).send(1));
  EXPECT_EQ(waker.wakes(), 0);
}

Task<int> receive(Receiver<int> receiver, Receiver<int> never) {
  auto first = co_await select(never, std::move(receiver));
  co_return std::get<1>(first).value_or(-1);
}

TEST(Oneshot, ReceivesInASelect) {
  WakeCounter waker;
  auto ends = create<int>();
  auto never = create<int>();
  Task<int> task = receive(std::move(ends.receiver), std::move(never.receiver));
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_TRUE(std::move(ends.sender).send(42));
  EXPECT_EQ(*task.poll(waker.context()), 42);
}

TEST(OneshotDeathTest, ReceivingTwiceFailsLoudly) {
  WakeCounter waker;
  auto ends = create<int>();
  EXPECT_TRUE(std::move(ends.sender).send(42));
  EXPECT_TRUE(ends.receiver.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)ends.receiver.poll(waker.context()), "receives twice");
}

// Property (E2): a value is received, given back, or destroyed: exactly one of
// them; and a receiver that waits is woken. oneshot_stress_test.cc goes
// further; here the receiver is a thread that sleeps.
struct Round {
  std::shared_ptr<int> value = std::make_shared<int>(42);
  Ends<std::shared_ptr<int>> ends = create<std::shared_ptr<int>>();
  bool sent = false;
  bool received = false;
  bool wanted = false;
};

void send_one(Round& round, int, base::Random&) {
  std::shared_ptr<int> copy = round.value;
  round.sent = std::move(round.ends.sender).send(std::move(copy));
  EXPECT_EQ(copy == nullptr, round.sent);
}

void receive_or_go(Round& round, int, base::Random& random) {
  Receiver<std::shared_ptr<int>> receiver = std::move(round.ends.receiver);
  round.wanted = random.below(2) == 0;
  if (round.wanted) {
    round.received = testing::block_on(std::move(receiver)).has_value();
  }
}

TEST(Oneshot, AValueHasOneEnd) {
  testing::Stress<Round> stress(/*rounds=*/50'000);
  stress.threads(1, send_one);
  stress.threads(1, receive_or_go);
  stress.run([](Round& round) {
    EXPECT_EQ(round.value.use_count(), 1);
    EXPECT_EQ(round.received, round.wanted);
    if (round.wanted) {
      EXPECT_TRUE(round.sent);
    }
  });
}

TEST(Oneshot, TryRecvDoesNotWait) {
  auto [sender, receiver] = create<std::unique_ptr<int>>();
  EXPECT_TRUE(receiver.try_recv().is_pending());
  EXPECT_TRUE(std::move(sender).send(std::make_unique<int>(3)));
  EXPECT_EQ(***receiver.try_recv(), 3);
  auto [gone, other] = create<int>();
  {
    Sender<int> last = std::move(gone);
  }
  EXPECT_FALSE((*other.try_recv()).has_value());
}

TEST(Oneshot, ThreadsMayBlock) {
  auto [sender, receiver] = create<int>();
  std::thread other([sender = std::move(sender)]() mutable {
    EXPECT_TRUE(std::move(sender).send(7));
  });
  EXPECT_EQ(std::move(receiver).blocking_recv(), std::optional<int>(7));
  other.join();
}

TEST(Oneshot, CloseWakesAReceiverThatWaits) {
  WakeCounter waker;
  auto [sender, receiver] = create<int>();
  EXPECT_TRUE(receiver.poll(waker.context()).is_pending());
  receiver.close();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_FALSE(receiver.poll(waker.context())->has_value());
}

// Throws at the move that comes next but so many, and counts those that live.
class Fragile {
 public:
  explicit Fragile(int number) : number_(number) { ++alive; }
  Fragile(Fragile&& other) : number_(other.number_) {
    move();
    ++alive;
  }
  Fragile& operator=(Fragile&& other) {
    move();
    number_ = other.number_;
    return *this;
  }
  ~Fragile() { --alive; }

  int number() const { return number_; }

  static inline int moves_left = -1;  // less than 0: any number
  static inline int alive = 0;

 private:
  static void move() {
    if (moves_left == 0) throw std::runtime_error("moved once too often");
    --moves_left;
  }

  int number_;
};

// D2: the sender has the error, and may send again.
TEST(Oneshot, AValueThatThrowsAsItIsSentIsNotSent) {
  WakeCounter waker;
  {
    auto [sender, receiver] = create<Fragile>();
    EXPECT_TRUE(receiver.poll(waker.context()).is_pending());
    Fragile value(42);
    Fragile::moves_left = 0;
    EXPECT_THROW(std::move(sender).send(std::move(value)), std::runtime_error);
    Fragile::moves_left = -1;
    EXPECT_EQ(waker.wakes(), 0);
    EXPECT_TRUE(std::move(sender).send(std::move(value)));
    EXPECT_EQ(waker.wakes(), 1);
    EXPECT_EQ((**receiver.poll(waker.context())).number(), 42);
  }
  {
    auto ends = create<Fragile>();
    EXPECT_TRUE(ends.receiver.poll(waker.context()).is_pending());
    {
      Sender<Fragile> sender = std::move(ends.sender);
      Fragile::moves_left = 0;
      EXPECT_THROW(std::move(sender).send(Fragile(1)), std::runtime_error);
      Fragile::moves_left = -1;
    }
    EXPECT_EQ(waker.wakes(), 2);
    EXPECT_FALSE(ends.receiver.poll(waker.context())->has_value());
  }
  EXPECT_EQ(Fragile::alive, 0);
}

// D2: not given back to the sender, it is gone.
TEST(Oneshot, AValueThatThrowsAsItIsGivenBackIsDestroyed) {
  {
    auto ends = create<Fragile>();
    {
      Receiver<Fragile> dropped = std::move(ends.receiver);
    }
    Fragile value(42);
    Fragile::moves_left = 1;
    EXPECT_THROW(std::move(ends.sender).send(std::move(value)),
                 std::runtime_error);
    Fragile::moves_left = -1;
    EXPECT_EQ(Fragile::alive, 1);
  }
  EXPECT_EQ(Fragile::alive, 0);
}

// D2: the receiver has the error, and has received.
TEST(Oneshot, AValueThatThrowsAsItIsReceivedIsDestroyed) {
  WakeCounter waker;
  {
    auto [sender, receiver] = create<Fragile>();
    EXPECT_TRUE(std::move(sender).send(Fragile(42)));
    Fragile::moves_left = 0;
    EXPECT_THROW((void)receiver.poll(waker.context()), std::runtime_error);
    Fragile::moves_left = -1;
    EXPECT_EQ(Fragile::alive, 0);
  }
  EXPECT_EQ(Fragile::alive, 0);
}

}  // namespace
}  // namespace eddy::sync::oneshot
