// What holds for each wait of sync/ that ends together with all others,
// whatever it waits for.
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <utility>

#include "runtime/task/context.h"
#include "sync/broadcast.h"
#include "sync/event.h"
#include "sync/latch.h"
#include "sync/mpsc.h"
#include "sync/notify.h"
#include "sync/oneshot.h"
#include "sync/rwlock.h"
#include "sync/watch.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

// Each has a wait() that is pending, until signal() lets all of them end.
struct OfEvent {
  Event event;
  auto wait() { return event.wait(); }
  void signal() { event.set(); }
};

struct OfLatch {
  Latch latch{2};
  auto wait() { return latch.wait(); }
  void signal() { latch.count_down(2); }
};

struct OfNotifyWaiters {
  Notify notify;
  auto wait() { return notify.notified(); }
  void signal() { notify.notify_waiters(); }
};

struct OfReaders {
  RwLock<int> lock;
  std::optional<RwLock<int>::WriteGuard> guard = lock.try_write();
  auto wait() { return lock.read(); }
  void signal() { guard.reset(); }
};

struct OfWatch {
  watch::Ends<int> ends = watch::create(0);
  std::deque<watch::Receiver<int>> receivers;
  auto wait() { return receivers.emplace_back(ends.receiver).changed(); }
  void signal() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfWatchWithoutReceivers {
  watch::Sender<int> sender = watch::create(0).sender;
  std::optional<watch::Receiver<int>> receiver = sender.subscribe();
  auto wait() { return sender.closed(); }
  void signal() { receiver.reset(); }
};

struct OfBroadcast {
  broadcast::Ends<int> ends = broadcast::create<int>(4);
  std::deque<broadcast::Receiver<int>> receivers;
  auto wait() { return receivers.emplace_back(ends.receiver).recv(); }
  void signal() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfBroadcastEnd {
  broadcast::Ends<int> ends = broadcast::create<int>(4);
  std::deque<broadcast::Receiver<int>> receivers;
  auto wait() { return receivers.emplace_back(ends.receiver).recv(); }
  void signal() { ends.sender.close(); }
};

struct OfMpscEnd {
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(1);
  auto wait() { return ends.sender.closed(); }
  void signal() { ends.receiver.close(); }
};

struct OfOneshotEnd {
  oneshot::Ends<int> ends = oneshot::create<int>();
  auto wait() { return ends.sender.closed(); }
  void signal() { ends.receiver.close(); }
};

template <class T>
class Signals : public ::testing::Test {
 protected:
  using Wait = decltype(std::declval<T&>().wait());

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }

  T of_;
};

using Primitives =
    ::testing::Types<OfEvent, OfLatch, OfNotifyWaiters, OfReaders, OfWatch,
                     OfWatchWithoutReceivers, OfBroadcast, OfBroadcastEnd,
                     OfMpscEnd, OfOneshotEnd>;
TYPED_TEST_SUITE(Signals, Primitives);

TYPED_TEST(Signals, EndAllWaits) {
  constexpr int kWaits = 40;  // more than are woken under one lock
  WakeCounter waker;
  std::deque<typename TestFixture::Wait> waits;
  for (int i = 0; i < kWaits; ++i) {
    waits.push_back(this->of_.wait());
    EXPECT_FALSE(this->poll(waits.back(), waker));
  }
  this->of_.signal();
  EXPECT_EQ(waker.wakes(), kWaits);
  EXPECT_EQ(waker.kept_wakers(), 0);
  for (auto& wait : waits) EXPECT_TRUE(this->poll(wait, waker));
}

// D4: dropped after any number of polls, it leaves nothing behind, and the
// others are served.
TYPED_TEST(Signals, ADroppedWaitIsForgotten) {
  WakeCounter dropped, kept;
  auto first = this->of_.wait();
  EXPECT_FALSE(this->poll(first, kept));
  for (int polls = 0; polls < 4; ++polls) {
    auto wait = this->of_.wait();
    for (int i = 0; i < polls; ++i) EXPECT_FALSE(this->poll(wait, dropped));
  }
  auto last = this->of_.wait();
  EXPECT_FALSE(this->poll(last, kept));
  EXPECT_EQ(dropped.kept_wakers(), 0);
  this->of_.signal();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 2);
  EXPECT_TRUE(this->poll(first, kept));
  EXPECT_TRUE(this->poll(last, kept));
}

// D4: dropped when it was woken and had not seen it.
TYPED_TEST(Signals, AWokenWaitMayBeDropped) {
  WakeCounter waker;
  std::optional<typename TestFixture::Wait> wait(this->of_.wait());
  auto other = this->of_.wait();
  EXPECT_FALSE(this->poll(*wait, waker));
  this->of_.signal();
  wait.reset();
  EXPECT_TRUE(this->poll(other, waker));
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TYPED_TEST(Signals, SpuriousPollsChangeNothing) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(this->poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), 1);
  this->of_.signal();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_TRUE(this->poll(wait, waker));
}

// D5
TYPED_TEST(Signals, BeforeTheFirstPollItIsReadyAtOnce) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.signal();
  EXPECT_TRUE(this->poll(wait, waker));
  EXPECT_EQ(waker.wakes(), 0);
}

// D5
TYPED_TEST(Signals, TheLatestWakerCounts) {
  WakeCounter first, second;
  auto wait = this->of_.wait();
  EXPECT_FALSE(this->poll(wait, first));
  EXPECT_FALSE(this->poll(wait, second));
  EXPECT_EQ(first.kept_wakers(), 0);
  this->of_.signal();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
}

TYPED_TEST(Signals, WithoutBudgetOthersComeFirst) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.signal();
  Context& cx = waker.context(/*budget=*/0);
  EXPECT_TRUE(wait.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(this->poll(wait, waker));
}

}  // namespace
}  // namespace eddy::sync
