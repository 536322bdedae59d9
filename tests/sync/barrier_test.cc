#include "sync/barrier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/builder.h"
#include "runtime/runtime.h"
#include "runtime/task/task.h"
#include "sync/latch.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

TEST(Barrier, TheLastLeadsAndWakesTheOthers) {
  Barrier barrier(3);
  WakeCounter waker;
  Barrier::Wait a = barrier.wait(), b = barrier.wait(), c = barrier.wait();
  EXPECT_TRUE(a.poll(waker.context()).is_pending());
  EXPECT_TRUE(b.poll(waker.context()).is_pending());
  EXPECT_TRUE(a.poll(waker.context()).is_pending());  // for nothing
  EXPECT_EQ(waker.wakes(), 0);
  EXPECT_TRUE(*c.poll(waker.context()));
  EXPECT_EQ(waker.wakes(), 2);
  EXPECT_FALSE(*a.poll(waker.context()));
  EXPECT_FALSE(*b.poll(waker.context()));
  Barrier::Wait next = barrier.wait();
  EXPECT_TRUE(next.poll(waker.context()).is_pending());
}

TEST(Barrier, OfOneNeverWaits) {
  Barrier barrier(1);
  WakeCounter waker;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(*barrier.wait().poll(waker.context()));
  }
}

// D4: who was dropped before all had come has not come; afterwards it has.
TEST(Barrier, ADroppedWaitHasNotCome) {
  Barrier barrier(2);
  WakeCounter waker;
  std::optional<Barrier::Wait> dropped(barrier.wait());
  EXPECT_TRUE(dropped->poll(waker.context()).is_pending());
  dropped.reset();
  EXPECT_EQ(waker.kept_wakers(), 0);
  std::optional<Barrier::Wait> a(barrier.wait());
  Barrier::Wait b = barrier.wait();
  EXPECT_TRUE(a->poll(waker.context()).is_pending());
  EXPECT_TRUE(*b.poll(waker.context()));
  a.reset();  // did not see it
  Barrier::Wait c = barrier.wait(), d = barrier.wait();
  EXPECT_TRUE(c.poll(waker.context()).is_pending());
  EXPECT_TRUE(*d.poll(waker.context()));
}

TEST(Barrier, WithoutBudgetNobodyComes) {
  Barrier barrier(1);
  WakeCounter waker;
  Barrier::Wait wait = barrier.wait();
  EXPECT_TRUE(wait.poll(waker.context(/*budget=*/0)).is_pending());
  EXPECT_TRUE(*wait.poll(waker.context()));
}

TEST(Barrier, ThreadsMayBlock) {
  Barrier barrier(2);
  std::atomic<int> leaders{0};
  auto meet = [&] { leaders += barrier.blocking_wait() ? 1 : 0; };
  std::thread other(meet);
  meet();
  other.join();
  EXPECT_EQ(leaders, 1);
}

struct Game {
  Barrier barrier{8};
  std::atomic<int> moves{0};
  int sum = 0;  // the leader's
};

Task<> play(Game* game, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    game->moves.fetch_add(1, std::memory_order_relaxed);
    if (co_await game->barrier.wait()) {
      EXPECT_EQ(game->moves.load(std::memory_order_relaxed), 8 * (i + 1));
      ++game->sum;
    }
    co_await game->barrier.wait();
    EXPECT_EQ(game->sum, i + 1);
  }
}

// E2: tasks on two workers meet again and again.
TEST(Barrier, NobodyIsARoundAhead) {
  Game game;
  auto runtime = Builder::multi_thread().worker_threads(2).build();
  std::vector<JoinHandle<void>> players;
  for (int i = 0; i < 8; ++i) {
    players.push_back(runtime->spawn(play(&game, 500)));
  }
  for (JoinHandle<void>& player : players) {
    EXPECT_TRUE(runtime->block_on(std::move(player)).has_value());
  }
  EXPECT_EQ(game.sum, 500);
}

TEST(Latch, OpensAtZero) {
  Latch latch(3);
  WakeCounter waker;
  Latch::Wait wait = latch.wait();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  latch.count_down();
  EXPECT_EQ(latch.count(), 2u);
  EXPECT_FALSE(latch.is_open());
  latch.count_down(2);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(latch.is_open());
  EXPECT_TRUE(wait.poll(waker.context()).is_ready());
  latch.blocking_wait();
  EXPECT_TRUE(Latch(0).is_open());
}

TEST(LatchDeathTest, BelowZeroIsMisuse) {
  Latch latch(1);
  latch.count_down();
  EXPECT_DEATH(latch.count_down(), "counted down below 0");
}

}  // namespace
}  // namespace eddy::sync
