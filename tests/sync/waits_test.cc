// What holds for each wait of sync/ that is served in the order of waiting,
// whatever it waits for.
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "runtime/task/context.h"
#include "sync/mpmc.h"
#include "sync/mpsc.h"
#include "sync/mutex.h"
#include "sync/notify.h"
#include "sync/rwlock.h"
#include "sync/semaphore.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

// Each has a wait() that is pending, until serve_one() lets one of them end.
struct OfSemaphore {
  Semaphore semaphore{0};
  auto wait() { return semaphore.acquire(); }
  void serve_one() { semaphore.add(1); }
};

struct OfMutex {
  Mutex<int> mutex;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  auto wait() { return mutex.lock(); }
  void serve_one() { guard.reset(); }
};

// Readers are no such waits: the end of a writer serves all of them.
struct OfWritersBehindOne {
  RwLock<int> lock;
  std::optional<RwLock<int>::WriteGuard> guard = lock.try_write();
  auto wait() { return lock.write(); }
  void serve_one() { guard.reset(); }
};

struct OfWritersBehindReaders {
  RwLock<int> lock;
  std::optional<RwLock<int>::ReadGuard> guard = lock.try_read();
  auto wait() { return lock.write(); }
  void serve_one() { guard.reset(); }
};

struct OfMpsc {
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(1);
  bool is_full = ends.sender.try_send(0);
  auto wait() { return ends.sender.reserve(); }
  void serve_one() { EXPECT_TRUE(ends.receiver.try_recv().is_ready()); }
};

struct OfNotify {
  Notify notify;
  auto wait() { return notify.notified(); }
  void serve_one() { notify.notify_one(); }
};

struct OfMpmcSenders {
  mpmc::Ends<int, mpmc::Sender> ends = mpmc::create<int>(1);
  bool is_full = ends.sender.try_send(0);
  auto wait() { return ends.sender.send(1); }
  void serve_one() { EXPECT_TRUE(ends.receiver.try_recv().is_ready()); }
};

struct OfMpmcReceivers {
  mpmc::Ends<int, mpmc::UnboundedSender> ends = mpmc::create_unbounded<int>();
  auto wait() { return ends.receiver.recv(); }
  void serve_one() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfPermits {
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(3);
  std::optional<mpsc::Permits<int>> all = ends.sender.try_reserve_many(3);
  auto wait() { return ends.sender.reserve_many(3); }
  void serve_one() { all.reset(); }
};

template <class T>
class Waits : public ::testing::Test {
 protected:
  using Wait = decltype(std::declval<T&>().wait());

  static bool poll(Wait& wait, WakeCounter& waker) {
    return wait.poll(waker.context()).is_ready();
  }

  T of_;
};

using Primitives = ::testing::Types<OfSemaphore, OfMutex, OfWritersBehindOne,
                                    OfWritersBehindReaders, OfMpsc, OfPermits,
                                    OfMpmcSenders, OfMpmcReceivers, OfNotify>;
TYPED_TEST_SUITE(Waits, Primitives);

TYPED_TEST(Waits, AreServedInTheOrderOfWaiting) {
  WakeCounter first, second;
  auto b = this->of_.wait(), a = this->of_.wait();
  EXPECT_FALSE(this->poll(a, first));
  EXPECT_FALSE(this->poll(b, second));
  this->of_.serve_one();
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_FALSE(this->poll(b, second));
  EXPECT_TRUE(this->poll(a, first));
}

// D4: dropped after any number of polls, it leaves nothing behind.
TYPED_TEST(Waits, ADroppedWaitIsForgotten) {
  WakeCounter dropped, kept;
  auto next = this->of_.wait();
  for (int polls = 0; polls < 4; ++polls) {
    auto wait = this->of_.wait();
    for (int i = 0; i < polls; ++i) EXPECT_FALSE(this->poll(wait, dropped));
  }
  EXPECT_EQ(dropped.kept_wakers(), 0);
  EXPECT_FALSE(this->poll(next, kept));
  this->of_.serve_one();
  EXPECT_EQ(dropped.wakes(), 0);
  EXPECT_EQ(kept.wakes(), 1);
  EXPECT_TRUE(this->poll(next, kept));
}

// D4, E2: dropped when it was served and had not seen it.
TYPED_TEST(Waits, AServedWaitThatIsDroppedServesTheNext) {
  WakeCounter first, second;
  {
    auto wait = this->of_.wait();
    EXPECT_FALSE(this->poll(wait, first));
    this->of_.serve_one();
    EXPECT_EQ(first.wakes(), 1);
  }
  auto next = this->of_.wait();
  EXPECT_TRUE(this->poll(next, second));
}

TYPED_TEST(Waits, AServedWaitThatIsDroppedWakesTheNext) {
  WakeCounter first, second;
  std::optional<typename TestFixture::Wait> wait(this->of_.wait());
  auto next = this->of_.wait();
  EXPECT_FALSE(this->poll(*wait, first));
  EXPECT_FALSE(this->poll(next, second));
  this->of_.serve_one();
  wait.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(this->poll(next, second));
}

// D5
TYPED_TEST(Waits, SpuriousPollsChangeNothing) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(this->poll(wait, waker));
  EXPECT_EQ(waker.kept_wakers(), 1);
  this->of_.serve_one();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_TRUE(this->poll(wait, waker));
}

// D5
TYPED_TEST(Waits, ServedBeforeTheFirstPollIsReadyAtOnce) {
  WakeCounter waker;
  auto wait = this->of_.wait();
  this->of_.serve_one();
  EXPECT_TRUE(this->poll(wait, waker));
  EXPECT_EQ(waker.wakes(), 0);
}

// D5
TYPED_TEST(Waits, TheLatestWakerCounts) {
  WakeCounter first, second;
  auto wait = this->of_.wait();
  EXPECT_FALSE(this->poll(wait, first));
  EXPECT_FALSE(this->poll(wait, second));
  EXPECT_EQ(first.kept_wakers(), 0);
  this->of_.serve_one();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
}

TYPED_TEST(Waits, WithoutBudgetOthersComeFirst) {
  WakeCounter waker;
  this->of_.serve_one();
  auto wait = this->of_.wait();
  Context& cx = waker.context(/*budget=*/0);
  EXPECT_TRUE(wait.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(this->poll(wait, waker));
}

}  // namespace
}  // namespace eddy::sync
