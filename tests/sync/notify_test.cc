#include "sync/notify.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/task/task.h"
#include "tests/support/block_on.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

bool is_ready(Notify::Notified& wait) {
  WakeCounter waker;
  return wait.poll(waker.context()).is_ready();
}

TEST(Notify, NotifyOneWakesWhoHasWaitedLongest) {
  Notify notify;
  WakeCounter first, second;
  Notify::Notified b = notify.notified(), a = notify.notified();
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  notify.notify_one();
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  EXPECT_TRUE(a.poll(first.context()).is_ready());
}

TEST(Notify, OnePermitIsKeptAndNoMore) {
  Notify notify;
  notify.notify_one();
  notify.notify_one();
  Notify::Notified first = notify.notified(), second = notify.notified();
  EXPECT_TRUE(is_ready(first));
  EXPECT_FALSE(is_ready(second));
}

TEST(Notify, NotifyWaitersWakesAllAndKeepsNoPermit) {
  Notify notify;
  WakeCounter waker;
  Notify::Notified polled = notify.notified(), unpolled = notify.notified();
  EXPECT_TRUE(polled.poll(waker.context()).is_pending());
  notify.notify_waiters();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(polled.poll(waker.context()).is_ready());
  EXPECT_TRUE(unpolled.poll(waker.context()).is_ready());
  Notify::Notified later = notify.notified();
  EXPECT_FALSE(is_ready(later));
}

TEST(Notify, NotifyLastWakesWhoHasWaitedShortest) {
  Notify notify;
  WakeCounter first, second;
  Notify::Notified a = notify.notified(), b = notify.notified();
  EXPECT_TRUE(a.poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  notify.notify_last();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(b.poll(second.context()).is_ready());
  notify.notify_last();
  EXPECT_TRUE(a.poll(first.context()).is_ready());
  notify.notify_last();  // is kept
  Notify::Notified c = notify.notified();
  EXPECT_TRUE(is_ready(c));
}

TEST(Notify, AnEnabledWaitHasItsPlaceBeforeItIsPolled) {
  Notify notify;
  WakeCounter waker;
  Notify::Notified a = notify.notified(), b = notify.notified();
  EXPECT_FALSE(a.enable());
  EXPECT_FALSE(a.enable());
  EXPECT_TRUE(b.poll(waker.context()).is_pending());
  notify.notify_one();
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_TRUE(a.enable());
  EXPECT_TRUE(a.poll(waker.context()).is_ready());
  EXPECT_TRUE(b.poll(waker.context()).is_pending());
}

// E2: a permit that enable() has taken goes to the next, or with the wait that
// is moved.
TEST(Notify, APermitOfAnEnabledWaitIsNotLost) {
  Notify notify;
  notify.notify_one();
  {
    Notify::Notified wait = notify.notified();
    EXPECT_TRUE(wait.enable());
    Notify::Notified moved = std::move(wait);
  }
  Notify::Notified next = notify.notified();
  EXPECT_TRUE(is_ready(next));
  Notify::Notified none = notify.notified();
  EXPECT_FALSE(is_ready(none));
}

TEST(Notify, NotifyWaitersEndsMoreThanABatch) {
  Notify notify;
  WakeCounter waker;
  std::deque<Notify::Notified> waits;
  for (int i = 0; i < 50; ++i) {
    waits.emplace_back(notify);
    EXPECT_TRUE(waits.back().poll(waker.context()).is_pending());
  }
  notify.notify_waiters();
  EXPECT_EQ(waker.wakes(), 50);
  for (auto& wait : waits) EXPECT_TRUE(is_ready(wait));
  notify.notify_one();
  Notify::Notified next = notify.notified();
  EXPECT_TRUE(is_ready(next));
}

TEST(Notify, ThreadsMayBlock) {
  Notify notify;
  std::thread other([&] { notify.blocking_wait(); });
  notify.notify_one();
  other.join();
}

// E2: a permit that nobody has seen goes to the next.
TEST(Notify, ADroppedWaitHandsOnItsPermit) {
  Notify notify;
  WakeCounter first, second;
  std::optional<Notify::Notified> a(notify.notified());
  Notify::Notified b = notify.notified();
  EXPECT_TRUE(a->poll(first.context()).is_pending());
  EXPECT_TRUE(b.poll(second.context()).is_pending());
  notify.notify_one();
  a.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(b.poll(second.context()).is_ready());
  // And if nobody waits, it is kept.
  a.emplace(notify.notified());
  EXPECT_TRUE(a->poll(first.context()).is_pending());
  notify.notify_one();
  a.reset();
  Notify::Notified c = notify.notified();
  EXPECT_TRUE(is_ready(c));
}

TEST(Notify, AWaitThatSawItsPermitHandsOnNothing) {
  Notify notify;
  {
    notify.notify_one();
    Notify::Notified wait = notify.notified();
    EXPECT_TRUE(is_ready(wait));
  }
  Notify::Notified next = notify.notified();
  EXPECT_FALSE(is_ready(next));
}

TEST(Notify, DroppedWhilePendingIsForgotten) {
  Notify notify;
  WakeCounter waker;
  {
    Notify::Notified wait = notify.notified();
    EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  }
  notify.notify_one();
  notify.notify_waiters();
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D5
TEST(Notify, SpuriousPollsChangeNothing) {
  Notify notify;
  WakeCounter waker;
  Notify::Notified wait = notify.notified();
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 1);
  notify.notify_one();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(wait.poll(waker.context()).is_ready());
}

// Property (E2): a consumer that waits for a notification after each look sees
// the last letter; or it would wait for ever.
//
// Planted faults, each of which fails this test by a hang:
//   notify_one() keeps no permit
//   poll_notified() does not look at the permit
struct Round {
  Notify notify;
  std::atomic<int> letters{0};
};
constexpr int kSenders = 2, kLetters = 5;

Task<> read_all(Round* round) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  while (round->letters.load(kRelaxed) < kSenders * kLetters) {
    co_await round->notify.notified();
  }
}

TEST(Notify, NoNotificationIsLost) {
  testing::Stress<Round> stress(/*rounds=*/10'000);
  stress.threads(1, [](Round& round, int, base::Random&) {
    testing::block_on(read_all(&round));
  });
  stress.threads(kSenders, [](Round& round, int, base::Random&) {
    for (int i = 0; i < kLetters; ++i) {
      round.letters.fetch_add(1, std::memory_order_relaxed);
      round.notify.notify_one();
    }
  });
  stress.run([](Round&) {});
}

}  // namespace
}  // namespace eddy::sync
