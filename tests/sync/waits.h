// The waits of sync/, as kinds of wait of tests/support/wait_traits.h, for
// the suites that go over all of them.
#ifndef EDDY_TESTS_SYNC_WAITS_H_
#define EDDY_TESTS_SYNC_WAITS_H_

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/task/task.h"
#include "sync/barrier.h"
#include "sync/broadcast.h"
#include "sync/cancellation_token.h"
#include "sync/event.h"
#include "sync/latch.h"
#include "sync/lazy.h"
#include "sync/mpmc.h"
#include "sync/mpsc.h"
#include "sync/mutex.h"
#include "sync/notify.h"
#include "sync/once_cell.h"
#include "sync/oneshot.h"
#include "sync/rwlock.h"
#include "sync/semaphore.h"
#include "sync/watch.h"
#include "tests/support/wait_traits.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {

using testing::AfterReady;
using testing::WaitTraits;
using testing::WithoutBudget;

// --- Served in the order of waiting, one after the other --------------------

struct OfSemaphore : WaitTraits {
  Semaphore semaphore{0};
  auto wait() { return semaphore.acquire(); }
  void serve() { semaphore.add(1); }
};

struct OfManyPermits : WaitTraits {
  std::shared_ptr<Semaphore> semaphore = std::make_shared<Semaphore>(2);
  auto wait() { return Semaphore::acquire_owned(semaphore, 3); }
  void serve() { semaphore->add(1); }
};

struct OfMutex : WaitTraits {
  Mutex<int> mutex;
  std::optional<Mutex<int>::Guard> guard = mutex.try_lock();
  auto wait() { return mutex.lock(); }
  void serve() { guard.reset(); }
};

struct OfOwnedMutex : WaitTraits {
  std::shared_ptr<Mutex<int>> mutex = std::make_shared<Mutex<int>>();
  std::optional<Mutex<int>::Guard> guard = mutex->try_lock();
  auto wait() { return Mutex<int>::lock_owned(mutex); }
  void serve() { guard.reset(); }
};

struct OfWritersBehindOne : WaitTraits {
  RwLock<int> lock;
  std::optional<RwLock<int>::WriteGuard> guard = lock.try_write();
  auto wait() { return lock.write(); }
  void serve() { guard.reset(); }
};

struct OfWritersBehindReaders : WaitTraits {
  std::shared_ptr<RwLock<int>> lock = std::make_shared<RwLock<int>>();
  std::optional<RwLock<int>::ReadGuard> guard = lock->try_read();
  auto wait() { return RwLock<int>::write_owned(lock); }
  void serve() { guard.reset(); }
};

struct OfNotify : WaitTraits {
  Notify notify;
  auto wait() { return notify.notified(); }
  void serve() { notify.notify_one(); }
};

struct OfMpscRoom : WaitTraits {
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(1);
  bool is_full = ends.sender.try_send(0);
  auto wait() { return ends.sender.reserve(); }
  void serve() { EXPECT_TRUE(ends.receiver.try_recv().is_ready()); }
};

struct OfOwnedMpscRoom : OfMpscRoom {
  auto wait() { return ends.sender.reserve_owned(); }
};

struct OfMuchMpscRoom : WaitTraits {
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(3);
  std::optional<mpsc::Permits<int>> all = ends.sender.try_reserve_many(3);
  auto wait() { return ends.sender.reserve_many(3); }
  void serve() { all.reset(); }
};

struct OfMpscSend : OfMpscRoom {
  auto wait() { return ends.sender.send(1); }
};

struct OfMpmcSend : WaitTraits {
  mpmc::Ends<int, mpmc::Sender> ends = mpmc::create<int>(1);
  bool is_full = ends.sender.try_send(0);
  auto wait() { return ends.sender.send(1); }
  void serve() { EXPECT_TRUE(ends.receiver.try_recv().is_ready()); }
};

struct OfMpmcRecv : WaitTraits {
  mpmc::Ends<int, mpmc::UnboundedSender> ends = mpmc::create_unbounded<int>();
  auto wait() { return ends.receiver.recv(); }
  void serve() { EXPECT_TRUE(ends.sender.send(1)); }
};

// Whoever is served makes the value. Who has the turn never does.
struct OfTurnToInitialise : WaitTraits {
  OnceCell<int> cell;
  Event never;
  std::optional<Task<int&>> first;
  testing::WakeCounter waker;
  OfTurnToInitialise() {
    first.emplace(cell.get_or_init([this]() -> Task<int> {
      co_await never.wait();
      co_return 0;
    }));
    EXPECT_TRUE(first->poll(waker.context()).is_pending());
  }
  auto wait() {
    return cell.get_or_init([] { return 1; });
  }
  void serve() { first.reset(); }
};

// --- Served together --------------------------------------------------------

struct OfEvent : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  Event event;
  auto wait() { return event.wait(); }
  void serve() { event.set(); }
};

struct OfLatch : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  Latch latch{2};
  auto wait() { return latch.wait(); }
  void serve() { latch.count_down(2); }
};

// What was notified is notified: there is nothing that a wait could hand on.
struct OfNotifyWaiters : WaitTraits {
  static constexpr bool kHandsOn = false;
  Notify notify;
  auto wait() { return notify.notified(); }
  void serve() { notify.notify_waiters(); }
};

struct OfReaders : WaitTraits {
  RwLock<int> lock;
  std::optional<RwLock<int>::WriteGuard> guard = lock.try_write();
  auto wait() { return lock.read(); }
  void serve() { guard.reset(); }
};

struct OfOwnedReaders : WaitTraits {
  std::shared_ptr<RwLock<int>> lock = std::make_shared<RwLock<int>>();
  std::optional<RwLock<int>::WriteGuard> guard = lock->try_write();
  auto wait() { return RwLock<int>::read_owned(lock); }
  void serve() { guard.reset(); }
};

struct OfClosedSemaphore : WaitTraits {
  Semaphore semaphore{0};
  auto wait() { return semaphore.acquire(); }
  void serve() { semaphore.close(); }
};

struct OfCancellation : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  CancellationToken parent, token = parent.child_token();
  auto wait() { return token.cancelled(); }
  void serve() { parent.cancel(); }
};

// Waits for the value that another makes.
struct OfOnceCell : WaitTraits {
  static constexpr WithoutBudget kWithoutBudget = WithoutBudget::kIsReady;
  OnceCell<int> cell;
  Event gate;
  testing::WakeCounter waker;
  std::optional<Task<int&>> first;
  OfOnceCell() {
    first.emplace(cell.get_or_init([this]() -> Task<int> {
      co_await gate.wait();
      co_return 1;
    }));
    EXPECT_TRUE(first->poll(waker.context()).is_pending());
  }
  auto wait() {
    return cell.get_or_init([] { return 2; });
  }
  void serve() {
    gate.set();
    EXPECT_EQ(*first->poll(waker.context()), 1);
  }
};

struct OfWatch : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  watch::Ends<int> ends = watch::create(0);
  std::deque<watch::Receiver<int>> receivers;
  auto wait() { return receivers.emplace_back(ends.receiver).changed(); }
  void serve() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfWatchedValue : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  static bool is_right(int value) { return value == 1; }
  watch::Ends<int> ends = watch::create(0);
  std::deque<watch::Receiver<int>> receivers;
  auto wait() {
    return receivers.emplace_back(ends.receiver).wait_for(&is_right);
  }
  void serve() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfWatchEnd : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  watch::Sender<int> sender = watch::create(0).sender;
  std::optional<watch::Receiver<int>> receiver = sender.subscribe();
  auto wait() { return sender.closed(); }
  void serve() { receiver.reset(); }
};

struct OfBroadcast : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  static constexpr bool kHandsOn = false;  // each receiver gets it anyway
  broadcast::Ends<int> ends = broadcast::create<int>(4);
  std::deque<broadcast::Receiver<int>> receivers;
  auto wait() {
    return receivers.emplace_back(ends.receiver.resubscribe()).recv();
  }
  void serve() { EXPECT_TRUE(ends.sender.send(1)); }
};

struct OfBroadcastEnd : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  broadcast::Ends<int> ends = broadcast::create<int>(4);
  std::deque<broadcast::Receiver<int>> receivers;
  auto wait() { return receivers.emplace_back(ends.receiver).recv(); }
  void serve() { ends.sender.close(); }
};

struct OfBroadcastWithoutReceivers : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  broadcast::Sender<int> sender = broadcast::create<int>(4).sender;
  std::optional<broadcast::Receiver<int>> receiver = sender.subscribe();
  auto wait() { return sender.closed(); }
  void serve() { receiver.reset(); }
};

struct OfMpscEnd : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(1);
  auto wait() { return ends.sender.closed(); }
  void serve() { ends.receiver.close(); }
};

struct OfMpmcEnd : WaitTraits {
  mpmc::Ends<int, mpmc::Sender> ends = mpmc::create<int>(1);
  auto wait() { return ends.receiver.recv(); }
  void serve() { ends.sender.close(); }
};

struct OfOneshotEnd : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kIsReady;
  oneshot::Ends<int> ends = oneshot::create<int>();
  auto wait() { return ends.sender.closed(); }
  void serve() { ends.receiver.close(); }
};

// --- One at a time ----------------------------------------------------------

struct OfOneshot : WaitTraits {
  static constexpr bool kLeavesWaker = true;  // it is borrowed, and waits on
  oneshot::Ends<int> ends = oneshot::create<int>();
  auto wait() { return testing::Borrowed(ends.receiver); }
  void serve() { EXPECT_TRUE(std::move(ends.sender).send(1)); }
};

struct OfMpscRecv : WaitTraits {
  static constexpr AfterReady kAfterReady = AfterReady::kBeginsAnew;
  static constexpr bool kLeavesWaker = true;
  mpsc::Ends<int, mpsc::Sender> ends = mpsc::create<int>(4);
  auto wait() { return ends.receiver.recv(); }
  void serve() { EXPECT_TRUE(ends.sender.try_send(1)); }
};

struct OfMpscRecvMany : OfMpscRecv {
  std::vector<int> into;
  auto wait() { return ends.receiver.recv_many(into, 10); }
};

// The other of two. Once all have come, a drop changes nothing.
struct OfBarrier : WaitTraits {
  static constexpr bool kHandsOn = false;
  Barrier barrier{2};
  testing::WakeCounter waker;
  std::optional<Barrier::Wait> other;
  auto wait() { return barrier.wait(); }
  void serve() {
    other.emplace(barrier.wait());
    (void)other->poll(waker.context());
  }
};

using WaitsInOrder =
    ::testing::Types<OfSemaphore, OfManyPermits, OfMutex, OfOwnedMutex,
                     OfWritersBehindOne, OfWritersBehindReaders, OfNotify,
                     OfMpscRoom, OfOwnedMpscRoom, OfMuchMpscRoom, OfMpscSend,
                     OfMpmcSend, OfMpmcRecv, OfTurnToInitialise>;

using WaitsTogether =
    ::testing::Types<OfEvent, OfLatch, OfNotifyWaiters, OfReaders,
                     OfOwnedReaders, OfClosedSemaphore, OfCancellation,
                     OfOnceCell, OfWatch, OfWatchedValue, OfWatchEnd,
                     OfBroadcast, OfBroadcastEnd, OfBroadcastWithoutReceivers,
                     OfMpscEnd, OfMpmcEnd, OfOneshotEnd>;

using WaitsAlone =
    ::testing::Types<OfOneshot, OfMpscRecv, OfMpscRecvMany, OfBarrier>;

}  // namespace eddy::sync

#endif  // EDDY_TESTS_SYNC_WAITS_H_
