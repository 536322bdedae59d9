#include "sync/semaphore.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/random.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;
using Permit = Semaphore::Permit;

// The permit, if it is ready.
std::optional<Permit> poll(Semaphore::Acquire& acquire, WakeCounter& waker) {
  Poll<std::optional<Permit>> polled = acquire.poll(waker.context());
  if (polled.is_pending()) return std::nullopt;
  return *std::move(polled);
}

TEST(Semaphore, GivesPermitsAndTakesThemBack) {
  Semaphore semaphore(3);
  WakeCounter waker;
  Semaphore::Acquire acquire = semaphore.acquire();
  {
    std::optional<Permit> one = poll(acquire, waker);
    ASSERT_TRUE(one.has_value());
    std::optional<Permit> two = semaphore.try_acquire(2);
    ASSERT_TRUE(two.has_value());
    EXPECT_EQ(semaphore.available(), 0u);
    EXPECT_FALSE(semaphore.try_acquire().has_value());
  }
  EXPECT_EQ(semaphore.available(), 3u);
}

TEST(Semaphore, AReleaseWakesWhoHasWaitedLongest) {
  Semaphore semaphore(0);
  WakeCounter first, second;
  Semaphore::Acquire b = semaphore.acquire(), a = semaphore.acquire();
  EXPECT_FALSE(poll(a, first).has_value());
  EXPECT_FALSE(poll(b, second).has_value());
  semaphore.add(1);
  EXPECT_EQ(first.wakes(), 1);
  EXPECT_EQ(second.wakes(), 0);
  EXPECT_FALSE(semaphore.try_acquire().has_value());
  EXPECT_FALSE(poll(b, second).has_value());
  EXPECT_TRUE(poll(a, first).has_value());  // and gives it back
  EXPECT_EQ(second.wakes(), 1);
}

TEST(Semaphore, WhoWantsManyIsNotOvertaken) {
  Semaphore semaphore(2);
  WakeCounter many, few;
  Semaphore::Acquire three = semaphore.acquire_many(3);
  EXPECT_FALSE(poll(three, many).has_value());
  Semaphore::Acquire one = semaphore.acquire();
  EXPECT_FALSE(poll(one, few).has_value());
  EXPECT_FALSE(semaphore.try_acquire().has_value());
  semaphore.add(1);
  EXPECT_EQ(many.wakes(), 1);
  EXPECT_EQ(few.wakes(), 0);
  std::optional<Permit> permit = poll(three, many);
  EXPECT_EQ(permit->count(), 3u);
  permit.reset();
  EXPECT_EQ(few.wakes(), 1);
}

TEST(Semaphore, OneReleaseServesManyWaiters) {
  constexpr int kWaiters = 50;  // more than are woken at once
  Semaphore semaphore(0);
  WakeCounter waker;
  std::deque<Semaphore::Acquire> waits;
  for (int i = 0; i < kWaiters; ++i) {
    waits.push_back(semaphore.acquire());
    EXPECT_FALSE(poll(waits.back(), waker).has_value());
  }
  semaphore.add(kWaiters + 1);
  EXPECT_EQ(waker.wakes(), kWaiters);
  EXPECT_EQ(semaphore.available(), 1u);
  std::vector<Permit> permits;
  for (Semaphore::Acquire& wait : waits) {
    permits.push_back(*poll(wait, waker));
  }
  EXPECT_EQ(semaphore.available(), 1u);
}

// E2: what was on its way goes to the next.
TEST(Semaphore, ADroppedWaitHandsOnItsPermits) {
  Semaphore semaphore(0);
  WakeCounter first, second;
  std::optional<Semaphore::Acquire> a(semaphore.acquire());
  Semaphore::Acquire b = semaphore.acquire();
  EXPECT_FALSE(poll(*a, first).has_value());
  EXPECT_FALSE(poll(b, second).has_value());
  semaphore.add(1);
  EXPECT_EQ(second.wakes(), 0);
  a.reset();
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(poll(b, second).has_value());
  EXPECT_EQ(semaphore.available(), 1u);
}

TEST(Semaphore, TheNextIsServedWhenTheFirstGoesAway) {
  Semaphore semaphore(1);
  WakeCounter first, second;
  std::optional<Semaphore::Acquire> many(semaphore.acquire_many(2));
  Semaphore::Acquire one = semaphore.acquire();
  EXPECT_FALSE(poll(*many, first).has_value());
  EXPECT_FALSE(poll(one, second).has_value());
  many.reset();
  EXPECT_EQ(first.kept_wakers(), 0);
  EXPECT_EQ(second.wakes(), 1);
  EXPECT_TRUE(poll(one, second).has_value());
  EXPECT_TRUE(semaphore.try_acquire().has_value());
}

TEST(Semaphore, CloseEndsWaits) {
  Semaphore semaphore(1);
  WakeCounter waker;
  std::optional<Permit> permit = semaphore.try_acquire();
  Semaphore::Acquire wait = semaphore.acquire();
  EXPECT_FALSE(poll(wait, waker).has_value());
  semaphore.close();
  EXPECT_EQ(waker.wakes(), 1);
  Poll<std::optional<Permit>> polled = wait.poll(waker.context());
  ASSERT_TRUE(polled.is_ready());
  EXPECT_FALSE(polled->has_value());
  permit.reset();
  EXPECT_EQ(semaphore.available(), 1u);
  EXPECT_FALSE(semaphore.try_acquire().has_value());
  EXPECT_TRUE(semaphore.acquire().poll(waker.context()).is_ready());
  EXPECT_TRUE(semaphore.is_closed());
}

TEST(Semaphore, PermitsAreForgottenSplitAndMerged) {
  Semaphore semaphore(10);
  std::optional<Permit> permit = semaphore.try_acquire(6);
  Permit part = permit->split(2);
  std::move(part).forget();
  Permit other = permit->split(3);
  EXPECT_EQ(permit->count(), 1u);
  permit->merge(std::move(other));
  permit.reset();
  EXPECT_EQ(semaphore.available(), 8u);
  EXPECT_EQ(semaphore.forget(5), 5u);
  EXPECT_EQ(semaphore.forget(5), 3u);
  EXPECT_EQ(semaphore.available(), 0u);
}

TEST(Semaphore, AnOwnedPermitKeepsTheSemaphore) {
  auto semaphore = std::make_shared<Semaphore>(1);
  const std::weak_ptr<Semaphore> watch = semaphore;
  WakeCounter waker;
  auto permit = Semaphore::try_acquire_owned(semaphore);
  auto wait = Semaphore::acquire_owned(std::move(semaphore));
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  permit.reset();
  EXPECT_EQ(waker.wakes(), 1);
  permit = *wait.poll(waker.context());
  ASSERT_TRUE(permit.has_value());
  EXPECT_FALSE(watch.expired());
  permit.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Semaphore, SpendsTheBudget) {
  Semaphore semaphore(1);
  WakeCounter waker;
  Context& cx = waker.context(/*budget=*/1);
  EXPECT_TRUE(semaphore.acquire().poll(cx).is_ready());
  EXPECT_TRUE(semaphore.acquire().poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
}

TEST(Semaphore, BlockingAcquireWaitsForAPermit) {
  Semaphore semaphore(0);
  std::thread other([&] { semaphore.add(1); });
  EXPECT_TRUE(semaphore.blocking_acquire().has_value());
  other.join();
  EXPECT_EQ(semaphore.available(), 1u);
}

TEST(SemaphoreDeathTest, PolledAfterItWasReadyFailsLoudly) {
  Semaphore semaphore(1);
  WakeCounter waker;
  Semaphore::Acquire acquire = semaphore.acquire();
  EXPECT_TRUE(acquire.poll(waker.context()).is_ready());
#ifndef NDEBUG
  EXPECT_DEATH((void)acquire.poll(waker.context()), "after it was ready");
#endif
}

// What a semaphore is, without threads: a number and a queue.
class Model {
 public:
  explicit Model(uint64_t permits) : free_(permits) {}

  bool try_acquire(uint64_t count) {
    if (!queue_.empty() || free_ < count) return false;
    free_ -= count;
    return true;
  }
  void wait(int who, uint64_t count) { queue_.push_back({who, count}); }
  void leave(int who) {
    std::erase_if(queue_, [&](const Entry& e) { return e.who == who; });
    serve();
  }
  void release(uint64_t count) {
    free_ += count;
    serve();
  }
  bool is_waiting(int who) const {
    for (const Entry& e : queue_) {
      if (e.who == who) return true;
    }
    return false;
  }
  uint64_t available() const { return free_; }

 private:
  struct Entry {
    int who;
    uint64_t count;
  };

  void serve() {
    while (!queue_.empty() && queue_.front().count <= free_) {
      free_ -= queue_.front().count;
      queue_.pop_front();
    }
  }

  uint64_t free_;
  std::deque<Entry> queue_;
};

// E3: random operations of a few actors; at each step each of them waits, or
// has permits, as the model says.
TEST(Semaphore, AgreesWithAModel) {
  struct Actor {
    WakeCounter waker;
    std::optional<Semaphore::Acquire> wait;
    std::optional<Permit> permit;
    uint64_t count = 0;
  };
  constexpr int kActors = 6;
  constexpr uint64_t kPermits = 5;
  base::Random random(testing::stress_seed());
  for (int run = 0; run < 50; ++run) {
    Semaphore semaphore(kPermits);
    Model model(kPermits);
    Actor actors[kActors];
    for (int step = 0; step < 200; ++step) {
      const int who = random.below(kActors);
      Actor& actor = actors[who];
      if (actor.permit.has_value()) {
        actor.permit.reset();
        model.release(actor.count);
      } else if (actor.wait.has_value()) {
        const bool waits = model.is_waiting(who);
        if (random.below(2) == 0) {
          actor.wait.reset();
          waits ? model.leave(who) : model.release(actor.count);
        } else {
          actor.permit = poll(*actor.wait, actor.waker);
          ASSERT_EQ(actor.permit.has_value(), !waits);
          if (!waits) actor.wait.reset();
        }
      } else {
        actor.count = 1 + random.below(kPermits);
        actor.wait.emplace(semaphore.acquire_many(actor.count));
        actor.permit = poll(*actor.wait, actor.waker);
        ASSERT_EQ(actor.permit.has_value(), model.try_acquire(actor.count));
        if (actor.permit.has_value()) {
          actor.wait.reset();
        } else {
          model.wait(who, actor.count);
        }
      }
      ASSERT_EQ(semaphore.available(), model.available());
    }
  }
}

constexpr uint64_t kMost = Semaphore::kMaxPermits;

TEST(Semaphore, AWaitForAsManyAsThereMayBe) {
  Semaphore semaphore(1);
  EXPECT_FALSE(semaphore.try_acquire(kMost).has_value());
  WakeCounter waker;
  Semaphore::Acquire all = semaphore.acquire_many(kMost);
  EXPECT_FALSE(poll(all, waker).has_value());
  semaphore.add(kMost - 1);
  EXPECT_EQ(poll(all, waker)->count(), kMost);
}

// 2^62 and more: so many would be as few as 0 in the word of the semaphore.
TEST(SemaphoreDeathTest, NobodyAcquiresMoreThanThereMayBe) {
  Semaphore semaphore(5);
  constexpr const char* kWhy = "more than kMaxPermits";
  for (const uint64_t many :
       {kMost + 1, uint64_t{1} << 62, (uint64_t{1} << 62) + 1, UINT64_MAX}) {
    EXPECT_DEATH((void)semaphore.try_acquire(many), kWhy);
    EXPECT_DEATH((void)semaphore.acquire_many(many), kWhy);
    EXPECT_DEATH((void)semaphore.blocking_acquire(many), kWhy);
    EXPECT_DEATH(semaphore.add(many), kWhy);
  }
}

// Those that are taken do not count, until they come back.
TEST(SemaphoreDeathTest, NoMoreComeBackThanThereMayBe) {
  Semaphore semaphore(kMost);
  constexpr const char* kWhy = "more than kMaxPermits";
  EXPECT_DEATH(semaphore.add(1), kWhy);
  std::optional<Permit> all = semaphore.try_acquire(kMost);
  semaphore.add(kMost);
  EXPECT_DEATH(all.reset(), kWhy);
  std::move(*all).forget();
  WakeCounter waker;
  std::optional<Permit> one = semaphore.try_acquire(1);
  Semaphore::Acquire wait = semaphore.acquire_many(kMost);
  EXPECT_FALSE(poll(wait, waker).has_value());
  EXPECT_DEATH(semaphore.add(2), kWhy);
}

}  // namespace
}  // namespace eddy::sync
