#include "sync/mpsc.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
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
#include "tests/support/eventually.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync::mpsc {
namespace {

using testing::WakeCounter;
using Box = std::unique_ptr<int>;

template <class T>
bool has_ended(Receiver<T>& receiver) {
  Poll<std::optional<T>> polled = receiver.try_recv();
  return polled.is_ready() && !polled->has_value();
}

TEST(Mpsc, ValuesComeInOrder) {
  auto [sender, receiver] = create_unbounded<Box>();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(sender.send(std::make_unique<int>(i)));
  }
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(***receiver.try_recv(), i);
  EXPECT_TRUE(receiver.try_recv().is_pending());
}

TEST(Mpsc, AValueWakesWhoWaitsForIt) {
  auto [sender, receiver] = create<int>(2);
  WakeCounter waker;
  {
    Recv<int> recv = receiver.recv();
    EXPECT_TRUE(recv.poll(waker.context()).is_pending());
    EXPECT_TRUE(sender.try_send(1));
    EXPECT_EQ(waker.wakes(), 1);
    EXPECT_TRUE(sender.try_send(2));
    EXPECT_EQ(waker.wakes(), 1);
    EXPECT_EQ(*recv.poll(waker.context()), std::optional<int>(1));
  }
  EXPECT_EQ(*receiver.recv().poll(waker.context()), std::optional<int>(2));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(Mpsc, AFullChannelMakesSendersWait) {
  auto [sender, receiver] = create<int>(1);
  WakeCounter first, second;
  EXPECT_TRUE(sender.try_send(0));
  int refused = 7;
  EXPECT_FALSE(sender.try_send(std::move(refused)));
  EXPECT_EQ(refused, 7);
  Send<int> a = sender.send(1), b = sender.send(2);
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  EXPECT_EQ(*receiver.try_recv(), std::optional<int>(0));
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_TRUE(receiver.try_recv().is_pending());
  EXPECT_TRUE(*a.poll(first.context()));
  EXPECT_EQ(*receiver.try_recv(), std::optional<int>(1));
  EXPECT_TRUE(*b.poll(second.context()));
  EXPECT_EQ(*receiver.try_recv(), std::optional<int>(2));
  EXPECT_EQ(sender.capacity(), 1u);
  EXPECT_EQ(sender.max_capacity(), 1u);
}

// E2: the room that was on its way to a dropped send goes to the next.
TEST(Mpsc, ADroppedSendHandsOnItsRoom) {
  auto [sender, receiver] = create<int>(1);
  WakeCounter first, second;
  EXPECT_TRUE(sender.try_send(0));
  std::optional<Send<int>> a(sender.send(1));
  Send<int> b = sender.send(2);
  EXPECT_TRUE(a->poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  EXPECT_TRUE(receiver.try_recv().is_ready());
  a.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(*b.poll(second.context()));
  EXPECT_EQ(*receiver.try_recv(), std::optional<int>(2));
}

TEST(Mpsc, APermitKeepsRoomUntilItIsUsed) {
  auto [sender, receiver] = create<Box>(1);
  WakeCounter waker;
  std::optional<Permit<Box>> permit = sender.try_reserve();
  ASSERT_TRUE(permit.has_value());
  EXPECT_FALSE(sender.try_reserve().has_value());
  permit.reset();
  Reserve<Box> reserve = sender.reserve();
  permit = *reserve.poll(waker.context());
  EXPECT_TRUE(std::move(*permit).send(std::make_unique<int>(42)));
  EXPECT_EQ(***receiver.try_recv(), 42);
}

TEST(Mpsc, TheChannelEndsWithItsLastSender) {
  auto ends = create<int>(4);
  WakeCounter waker;
  std::optional<Sender<int>> one(std::move(ends.sender));
  std::optional<Sender<int>> two(*one);
  WeakSender<int> weak = one->downgrade();
  EXPECT_TRUE(two->try_send(1));
  one.reset();
  EXPECT_EQ(*ends.receiver.try_recv(), std::optional<int>(1));
  Recv<int> recv = ends.receiver.recv();
  EXPECT_TRUE(recv.poll(waker.context()).is_pending());
  EXPECT_TRUE(weak.upgrade().has_value());
  EXPECT_EQ(waker.wakes(), 0);
  two.reset();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(*recv.poll(waker.context()), std::nullopt);
  EXPECT_TRUE(has_ended(ends.receiver));
  EXPECT_FALSE(weak.upgrade().has_value());
}

TEST(Mpsc, CloseKeepsWhatWasSent) {
  auto [sender, receiver] = create<int>(2);
  WakeCounter waker;
  EXPECT_TRUE(sender.try_send(1));
  std::optional<Permit<int>> permit = sender.try_reserve();
  Send<int> waiting = sender.send(3);
  EXPECT_TRUE(waiting.poll(waker.context()).is_pending());
  receiver.close();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_FALSE(*waiting.poll(waker.context()));
  EXPECT_TRUE(sender.is_closed());
  EXPECT_FALSE(sender.try_send(4));
  EXPECT_FALSE(std::move(*permit).send(5));
  EXPECT_EQ(*receiver.try_recv(), std::optional<int>(1));
  EXPECT_TRUE(has_ended(receiver));
  receiver.close();
  EXPECT_TRUE(has_ended(receiver));
}

TEST(Mpsc, ADroppedReceiverDestroysWhatIsQueued) {
  auto value = std::make_shared<int>(1);
  auto ends = create_unbounded<std::shared_ptr<int>>();
  EXPECT_TRUE(ends.sender.send(std::shared_ptr<int>(value)));
  {
    auto dropped = std::move(ends.receiver);
  }
  EXPECT_EQ(value.use_count(), 1);
  EXPECT_TRUE(ends.sender.is_closed());
  EXPECT_FALSE(ends.sender.send(std::shared_ptr<int>(value)));
  EXPECT_EQ(value.use_count(), 1);
}

TEST(Mpsc, ADroppedReceiverIsNotWoken) {
  WakeCounter waker;
  auto ends = create_unbounded<int>();
  {
    auto receiver = std::move(ends.receiver);
    EXPECT_TRUE(receiver.recv().poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_FALSE(ends.sender.send(1));
  EXPECT_EQ(waker.wakes(), 0);
}

// D5
TEST(Mpsc, SpuriousPollsChangeNothing) {
  auto [sender, receiver] = create<int>(1);
  WakeCounter one, other;
  Recv<int> recv = receiver.recv();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(recv.poll(one.context()).is_pending());
  }
  EXPECT_EQ(one.kept_wakers(), 1);
  EXPECT_TRUE(recv.poll(other.context()).is_pending());
  EXPECT_EQ(one.kept_wakers(), 0);
  EXPECT_TRUE(sender.try_send(1));
  EXPECT_EQ(one.wakes(), 0);
  EXPECT_EQ(other.wakes(), 1);
  Send<int> send = sender.send(2);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(send.poll(one.context()).is_pending());
  }
  EXPECT_EQ(one.kept_wakers(), 1);
  EXPECT_EQ(*recv.poll(other.context()), std::optional<int>(1));
  EXPECT_EQ(one.wakes(), 1);
  EXPECT_TRUE(*send.poll(one.context()));
}

TEST(Mpsc, ReceivesManyAtOnce) {
  auto [sender, receiver] = create<int>(100);
  WakeCounter waker;
  std::vector<int> values;
  {
    RecvMany<int> some = receiver.recv_many(values, 8);
    EXPECT_TRUE(some.poll(waker.context()).is_pending());
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(sender.try_send(int{i}));
    EXPECT_EQ(waker.wakes(), 1);
    EXPECT_EQ(*some.poll(waker.context()), 8u);
  }
  EXPECT_EQ(*receiver.recv_many(values, 8).poll(waker.context()), 2u);
  EXPECT_EQ(values, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  receiver.close();
  EXPECT_EQ(*receiver.recv_many(values, 8).poll(waker.context()), 0u);
}

TEST(Mpsc, SpendsTheBudget) {
  auto [sender, receiver] = create<int>(4);
  WakeCounter waker;
  EXPECT_TRUE(sender.try_send(1));
  EXPECT_TRUE(sender.try_send(2));
  Context& cx = waker.context(/*budget=*/1);
  EXPECT_TRUE(receiver.recv().poll(cx).is_ready());
  EXPECT_TRUE(receiver.recv().poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
}

TEST(Mpsc, LargeAndAlignedValuesHaveTheirRoom) {
  struct alignas(128) Large {
    explicit Large(int n) : numbers{n} {}
    std::array<int, 300> numbers;
  };
  auto [sender, receiver] = create_unbounded<Large>();
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(sender.send(Large(i)));
  for (int i = 0; i < 9; ++i) {
    Poll<std::optional<Large>> polled = receiver.try_recv();
    ASSERT_TRUE(polled.is_ready() && polled->has_value());
    EXPECT_EQ((*polled)->numbers[0], i);
  }
}

TEST(Mpsc, ThreadsMayBlock) {
  auto ends = create<int>(1);
  std::thread other([sender = std::move(ends.sender)]() mutable {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(sender.blocking_send(i));
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ends.receiver.blocking_recv(), std::optional<int>(i));
  }
  other.join();
  EXPECT_EQ(ends.receiver.blocking_recv(), std::nullopt);
}

// E3: against a std::deque.
TEST(Mpsc, AgreesWithAModel) {
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 100; ++run) {
    const uint64_t capacity = 1 + random.below(80);
    auto [sender, receiver] = create<int>(capacity);
    std::deque<int> model;
    for (int step = 0; step < 500; ++step) {
      if (random.below(2) == 0) {
        EXPECT_EQ(sender.try_send(int{step}), model.size() < capacity);
        if (model.size() < capacity) model.push_back(step);
      } else {
        Poll<std::optional<int>> polled = receiver.try_recv();
        ASSERT_EQ(polled.is_ready(), !model.empty());
        if (model.empty()) continue;
        ASSERT_EQ(*polled, std::optional<int>(model.front()));
        model.pop_front();
      }
      ASSERT_EQ(sender.capacity(), capacity - model.size());
    }
  }
}

Task<> produce(Sender<int> sender, int from, int count) {
  for (int i = 0; i < count; ++i) {
    if (!co_await sender.send(from + i)) co_return;
  }
}

Task<int64_t> add_up(Receiver<int> receiver) {
  int64_t sum = 0;
  while (std::optional<int> value = co_await receiver.recv()) sum += *value;
  co_return sum;
}

// H1: producers that fill the channel and a consumer that empties it.
TEST(Mpsc, FiveProducersAndTheirConsumer) {
  constexpr int kProducers = 5, kCount = 2'000;
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  for (uint64_t capacity : {1, 7, 1'000}) {
    auto ends = create<int>(capacity);
    auto consumer = runtime->spawn(add_up(std::move(ends.receiver)));
    for (int i = 0; i < kProducers; ++i) {
      JoinHandle<void> producer =
          runtime->spawn(produce(ends.sender, i * kCount, kCount));
    }
    {
      auto last = std::move(ends.sender);
    }
    const int64_t n = kProducers * kCount;
    EXPECT_EQ(runtime->block_on(std::move(consumer)).value(), n * (n - 1) / 2);
  }
}

TEST(Mpsc, RoomForManyIsTakenAtOnce) {
  auto [sender, receiver] = create<int>(3);
  WakeCounter waker;
  EXPECT_TRUE(sender.try_send(0));
  EXPECT_FALSE(sender.try_reserve_many(3).has_value());
  for (const uint64_t many : {uint64_t{1} << 62, (uint64_t{1} << 62) + 1}) {
    EXPECT_FALSE(sender.try_reserve_many(many).has_value());
  }
  ReserveMany<int> reserve = sender.reserve_many(3);
  EXPECT_TRUE(reserve.poll(waker.context()).is_pending());
  EXPECT_FALSE(sender.try_send(9));
  EXPECT_TRUE(receiver.try_recv().is_ready());
  {
    std::optional<Permits<int>> permits = *reserve.poll(waker.context());
    ASSERT_TRUE(permits.has_value());
    EXPECT_TRUE(permits->send(1) && permits->send(2));
    EXPECT_EQ(permits->count(), 1u);
    EXPECT_EQ(sender.capacity(), 0u);
  }
  EXPECT_EQ(sender.capacity(), 1u);
  EXPECT_EQ(receiver.size(), 2u);
}

TEST(Mpsc, AnOwnedPermitIsASenderToo) {
  auto ends = create<int>(1);
  WakeCounter waker;
  ReserveOwned<int> reserve = ends.sender.reserve_owned();
  std::optional<OwnedPermit<int>> permit = *reserve.poll(waker.context());
  {
    Sender<int> last = std::move(ends.sender);
  }
  EXPECT_TRUE(ends.receiver.try_recv().is_pending());
  EXPECT_EQ(permit->sender().capacity(), 0u);
  EXPECT_TRUE(std::move(*permit).send(5));
  permit.reset();
  EXPECT_EQ(*ends.receiver.try_recv(), std::optional<int>(5));
  EXPECT_TRUE(has_ended(ends.receiver));
}

TEST(Mpsc, SendersLearnOfTheEnd) {
  auto ends = create_unbounded<int>();
  WakeCounter waker;
  auto closed = ends.sender.closed();
  EXPECT_TRUE(closed.poll(waker.context()).is_pending());
  EXPECT_FALSE(ends.receiver.is_closed());
  ends.receiver.close();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(closed.poll(waker.context()).is_ready());
  EXPECT_TRUE(ends.receiver.is_closed());
}

TEST(Mpsc, SizeCountsOverBlocks) {
  auto [sender, receiver] = create_unbounded<int>();
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(receiver.size(), i);
    EXPECT_TRUE(sender.send(1));
  }
  for (std::size_t i = 200; i > 0; --i) {
    EXPECT_EQ(receiver.size(), i);
    EXPECT_TRUE(receiver.try_recv().is_ready());
  }
}

Task<> send_in_time(Sender<Box> sender, Receiver<Box> receiver) {
  using namespace std::chrono_literals;
  Box first = std::make_unique<int>(1), second = std::make_unique<int>(2);
  EXPECT_TRUE((co_await sender.send_timeout(first, 1s)).ok());
  EXPECT_EQ(first, nullptr);
  absl::Status late = co_await sender.send_timeout(second, 1s);
  EXPECT_TRUE(absl::IsDeadlineExceeded(late));
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(***receiver.try_recv(), 1);
  EXPECT_TRUE((co_await sender.send_timeout(second, 1s)).ok());
  receiver.close();
  Box third = std::make_unique<int>(3);
  absl::Status closed = co_await sender.send_timeout(third, 1s);
  EXPECT_TRUE(absl::IsUnavailable(closed));
  EXPECT_NE(third, nullptr);
}

TEST(Mpsc, SendTimeoutGivesUpAndKeepsItsValue) {
  auto runtime = Builder::current_thread().start_paused().build();
  auto ends = create<Box>(1);
  runtime->block_on(
      send_in_time(std::move(ends.sender), std::move(ends.receiver)));
}

// A value that was not sent is lost with its send(); select() and timeout()
// refuse that.
static_assert(!CancelSafe<Send<int>> && CancelSafe<Send<int>&>);
static_assert(CancelSafe<Recv<int>>);
static_assert(CancelSafe<Reserve<int>> && CancelSafe<SendTimeout<int>>);

TEST(Mpsc, APendingSendGivesItsValueBack) {
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

// By another future of the same task: join(consume(receiver), stop()).
TEST(Mpsc, CloseWakesARecvThatWaits) {
  auto [sender, receiver] = create_unbounded<int>();
  WakeCounter waker;
  Recv<int> recv = receiver.recv();
  EXPECT_TRUE(recv.poll(waker.context()).is_pending());
  receiver.close();
  EXPECT_EQ(waker.wakes(), 1);
  Poll<std::optional<int>> end = recv.poll(waker.context());
  ASSERT_TRUE(end.is_ready());
  EXPECT_FALSE(end->has_value());
}

TEST(Mpsc, AnOwnedPermitTakesThePlaceOfTheLastEndOfItsChannel) {
  WakeCounter waker;
  const auto permit_of = [&](Sender<int> sender) {
    auto reserve = std::move(sender).reserve_owned();
    return std::move(**reserve.poll(waker.context()));
  };
  auto ends = create<int>(1);
  auto others = create<int>(1);
  OwnedPermit<int> permit = permit_of(ends.sender);
  {
    auto gone = std::move(ends);
  }
  permit = permit_of(others.sender);
  EXPECT_TRUE(std::move(permit).send(1));
  EXPECT_EQ(*others.receiver.try_recv(), std::optional<int>(1));
}

// Moves into the channel once the gate is open.
struct Gated {
  explicit Gated(std::atomic<int>& gate, std::shared_ptr<int> value)
      : gate(&gate), value(std::move(value)) {}
  Gated(Gated&& other) noexcept
      : gate(std::exchange(other.gate, nullptr)),
        value(std::move(other.value)) {
    if (gate == nullptr || *gate == 0) return;
    if (gate->exchange(2) != 1) return;
    EXPECT_TRUE(testing::eventually([&] { return *gate == 3; }));
  }

  std::atomic<int>* gate;  // 1: the next move waits; 2: it does; 3: go on
  std::shared_ptr<int> value;
};

// The place was claimed before the receiver went, and is filled afterwards.
TEST(Mpsc, AValueOnItsWayGoesWithTheReceiver) {
  auto ends = create_unbounded<Gated>();
  auto value = std::make_shared<int>(1);
  std::atomic<int> gate{0};
  std::thread pusher([&, sender = ends.sender]() mutable {
    Gated gated(gate, value);
    gate = 1;
    (void)sender.send(std::move(gated));
  });
  EXPECT_TRUE(testing::eventually([&] { return gate == 2; }));
  std::thread dropper([receiver = std::move(ends.receiver)]() mutable {
    auto gone = std::move(receiver);
  });
  EXPECT_TRUE(testing::eventually([&] { return ends.sender.is_closed(); }));
  gate = 3;
  pusher.join();
  dropper.join();
  EXPECT_EQ(value.use_count(), 1) << "it waits for the last sender to go";
}

}  // namespace
}  // namespace eddy::sync::mpsc
