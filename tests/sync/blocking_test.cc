// The blocking_*() calls of sync/, on threads that belong to no runtime, and
// where they are misuse.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/context/current.h"
#include "tests/sync/waits.h"

namespace eddy::sync {
namespace {

// Each has a block() that returns when it has been served.
struct ByEvent : OfEvent {
  void block() { event.blocking_wait(); }
};
struct ByLatch : OfLatch {
  void block() { latch.blocking_wait(); }
};
struct ByNotify : OfNotify {
  void block() { notify.blocking_wait(); }
};
struct BySemaphore : OfSemaphore {
  void block() { EXPECT_TRUE(semaphore.blocking_acquire().has_value()); }
};
struct ByClosedSemaphore : OfClosedSemaphore {
  void block() { EXPECT_FALSE(semaphore.blocking_acquire().has_value()); }
};
struct ByMutex : OfMutex {
  void block() { *mutex.blocking_lock() = 1; }
};
struct ByReader : OfReaders {
  void block() { EXPECT_EQ(*lock.blocking_read(), 0); }
};
struct ByWriter : OfWritersBehindOne {
  void block() { *lock.blocking_write() = 1; }
};
struct ByBarrier : OfBarrier {
  void block() { barrier.blocking_wait(); }
};
struct ByOneshot : OfOneshot {
  void block() {
    EXPECT_EQ(std::move(ends.receiver).blocking_recv(), std::optional(1));
  }
};
struct ByMpscRecv : OfMpscRecv {
  void block() { EXPECT_EQ(ends.receiver.blocking_recv(), std::optional(1)); }
};
struct ByMpscSend : OfMpscSend {
  void block() { EXPECT_TRUE(ends.sender.blocking_send(1)); }
};
struct ByMpmcRecv : OfMpmcRecv {
  void block() { EXPECT_EQ(ends.receiver.blocking_recv(), std::optional(1)); }
};
struct ByMpmcSend : OfMpmcSend {
  void block() { EXPECT_TRUE(ends.sender.blocking_send(1)); }
};
struct ByBroadcast : OfBroadcast {
  void block() { EXPECT_EQ(ends.receiver.blocking_recv()->value, 1); }
};
struct ByWatch : OfWatch {
  void block() { EXPECT_TRUE(ends.receiver.blocking_changed()); }
};
struct ByCancellation : OfCancellation {
  void block() { token.blocking_cancelled(); }
};
struct ByOnceCell : OfOnceCell {
  void block() {
    EXPECT_EQ(cell.blocking_get_or_init([] { return 2; }), 1);
  }
};
struct ByTurnToInitialise : OfTurnToInitialise {
  void block() {
    EXPECT_EQ(cell.blocking_get_or_init([] { return 1; }), 1);
  }
};

template <class T>
class Blocking : public ::testing::Test {};
using Calls = ::testing::Types<ByEvent, ByLatch, ByNotify, BySemaphore,
                               ByClosedSemaphore, ByMutex, ByReader, ByWriter,
                               ByBarrier, ByOneshot, ByMpscRecv, ByMpscSend,
                               ByMpmcRecv, ByMpmcSend, ByBroadcast, ByWatch,
                               ByCancellation, ByOnceCell, ByTurnToInitialise>;
TYPED_TEST_SUITE(Blocking, Calls);

// E2
TYPED_TEST(Blocking, ReturnsWhenItWasServedByAnotherThread) {
  for (int round = 0; round < 100; ++round) {
    TypeParam of;
    std::atomic<bool> serves{false};
    std::thread other([&] {
      of.block();
      EXPECT_TRUE(serves.load(std::memory_order_relaxed));
    });
    for (int turn = 0; turn < round % 4; ++turn) std::this_thread::yield();
    serves.store(true, std::memory_order_relaxed);
    of.serve();
    other.join();
  }
}

TYPED_TEST(Blocking, InsideOfATaskItNamesTheRemedy) {
  TypeParam of;
  context::Current current;
  current.is_polling = true;
  context::Enter enter(current);
  EXPECT_DEATH(of.block(), "blocking_.*\\(\\) inside a worker: use co_await");
}

TEST(Blocking, ALazyValueIsMadeOnTheThread) {
  Lazy made([]() -> Task<std::unique_ptr<int>> {
    co_return std::make_unique<int>(7);
  });
  EXPECT_EQ(*made.blocking_get(), 7);
  EXPECT_EQ(**made.get_if_made(), 7);
}

}  // namespace
}  // namespace eddy::sync
