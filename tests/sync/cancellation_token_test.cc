#include "sync/cancellation_token.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/task/cell.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/stress.h"
#include "tests/support/wake_counter.h"

namespace eddy::sync {
namespace {

using testing::WakeCounter;

TEST(CancellationToken, CancelWakesAllWhoWait) {
  CancellationToken token;
  // More than are woken at once.
  std::deque<WakeCounter> wakers(40);
  std::deque<CancellationToken::Wait> waits;
  for (WakeCounter& waker : wakers) {
    waits.push_back(token.cancelled());
    EXPECT_TRUE(waits.back().poll(waker.context()).is_pending());
  }
  EXPECT_FALSE(token.is_cancelled());
  token.cancel();
  token.cancel();
  EXPECT_TRUE(token.is_cancelled());
  for (std::size_t i = 0; i < wakers.size(); ++i) {
    EXPECT_EQ(wakers[i].wakes(), 1);
    EXPECT_TRUE(waits[i].poll(wakers[i].context()).is_ready());
  }
  EXPECT_TRUE(token.cancelled().poll(wakers[0].context()).is_ready());
}

// D4: dropped after any number of polls.
TEST(CancellationToken, ADroppedWaitIsForgotten) {
  CancellationToken token;
  WakeCounter waker;
  for (int polls = 0; polls < 3; ++polls) {
    auto wait = token.cancelled();
    for (int i = 0; i < polls; ++i) (void)wait.poll(waker.context());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  token.cancel();
  EXPECT_EQ(waker.wakes(), 0);
}

// A callback ends the last token there is, while that is being cancelled.
TEST(CancellationToken, CancelMayEndTheTokenItself) {
  std::optional<CancellationToken> token(std::in_place);
  int calls = 0;
  std::stop_callback callback(token->stop_token(), [&] {
    ++calls;
    token.reset();
  });
  token->cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(token.has_value());
}

// The same further down: the child that is cancelled next ends its parent.
TEST(CancellationToken, CancelMayEndTheTokensAbove) {
  std::optional<CancellationToken> top(std::in_place);
  std::optional<CancellationToken> middle(top->child_token());
  std::optional<CancellationToken> below(middle->child_token());
  int calls = 0;
  std::stop_callback callback(below->stop_token(), [&] {
    ++calls;
    below.reset();
    middle.reset();
    top.reset();
  });
  top->cancel();
  EXPECT_EQ(calls, 1);
}

// D5
TEST(CancellationToken, SpuriousPollsChangeNothing) {
  CancellationToken token;
  WakeCounter first, latest;
  auto wait = token.cancelled();
  for (int i = 0; i < 1'000; ++i) (void)wait.poll(first.context());
  EXPECT_TRUE(wait.poll(latest.context()).is_pending());
  EXPECT_EQ(first.kept_wakers(), 0);
  EXPECT_EQ(latest.kept_wakers(), 1);
  token.cancel();
  EXPECT_EQ(first.wakes(), 0);
  EXPECT_EQ(latest.wakes(), 1);
  EXPECT_EQ(latest.kept_wakers(), 0);
}

TEST(CancellationToken, WithoutBudgetOthersComeFirst) {
  CancellationToken token;
  token.cancel();
  WakeCounter waker;
  auto wait = token.cancelled();
  Context& cx = waker.context(/*budget=*/0);
  EXPECT_TRUE(wait.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_TRUE(wait.poll(waker.context()).is_ready());
}

TEST(CancellationToken, AWaitOutlivesItsToken) {
  WakeCounter waker;
  std::optional<CancellationToken> token(std::in_place);
  auto child = token->child_token();
  auto wait = token->cancelled();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  token.reset();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  child.cancel();
  EXPECT_EQ(waker.wakes(), 0);
}

TEST(CancellationToken, CancelGoesDownTheTreeAndNotUp) {
  CancellationToken root;
  auto a = root.child_token(), b = root.child_token();
  auto below_a = a.child_token();
  a.cancel();
  EXPECT_TRUE(below_a.is_cancelled());
  EXPECT_FALSE(root.is_cancelled());
  EXPECT_FALSE(b.is_cancelled());
  root.cancel();
  EXPECT_TRUE(b.is_cancelled());
}

TEST(CancellationToken, CancelPassesThroughATokenThatIsGone) {
  CancellationToken root;
  auto below = root.child_token().child_token().child_token();
  WakeCounter waker;
  auto wait = below.cancelled();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  root.cancel();
  EXPECT_TRUE(below.is_cancelled());
  EXPECT_EQ(waker.wakes(), 1);
}

TEST(CancellationToken, AChildOfACancelledTokenIsCancelled) {
  CancellationToken root;
  root.cancel();
  auto child = root.child_token();
  EXPECT_TRUE(child.is_cancelled());
  EXPECT_TRUE(child.child_token().is_cancelled());
}

TEST(CancellationToken, ChildrenMayGoInAnyOrder) {
  CancellationToken root;
  std::vector<CancellationToken> children;
  for (int i = 0; i < 5; ++i) children.push_back(root.child_token());
  children.erase(children.begin() + 2);
  children.erase(children.begin());
  children.pop_back();
  root.cancel();
  for (auto& child : children) EXPECT_TRUE(child.is_cancelled());
}

// Neither cancelling nor dropping is recursive.
TEST(CancellationToken, ALongChainNeedsNoStack) {
  for (bool cancels : {true, false}) {
    CancellationToken root;
    CancellationToken leaf = root;
    for (int i = 0; i < 50'000; ++i) leaf = leaf.child_token();
    if (cancels) root.cancel();
    EXPECT_EQ(leaf.is_cancelled(), cancels);
  }
}

TEST(CancellationToken, ADropGuardCancels) {
  CancellationToken token;
  {
    auto guard = token.drop_guard();
    guard.disarm();
  }
  EXPECT_FALSE(token.is_cancelled());
  {
    auto guard = token.drop_guard();
    auto moved = std::move(guard);
    EXPECT_FALSE(token.is_cancelled());
  }
  EXPECT_TRUE(token.is_cancelled());
}

TEST(CancellationToken, BlockingCancelledWaitsOnAThread) {
  CancellationToken token;
  std::thread other([token] { token.cancel(); });
  token.blocking_cancelled();
  EXPECT_TRUE(token.is_cancelled());
  other.join();
}

// --- run_until_cancelled() ---------------------------------------------------

// Counts what lives.
class Alive {
 public:
  explicit Alive(int& count) : count_(count) { ++count_; }
  Alive(const Alive&) = delete;
  ~Alive() { --count_; }

 private:
  int& count_;
};

Task<int> seven_after(int turns, int& alive) {
  Alive here(alive);
  for (int i = 0; i < turns; ++i) co_await yield_now();
  co_return 7;
}

Task<> fail() {
  throw std::runtime_error("failed");
  co_return;
}

TEST(RunUntilCancelled, GivesTheValue) {
  CancellationToken token;
  WakeCounter waker;
  int alive = 0;
  auto run = token.run_until_cancelled(seven_after(1, alive));
  EXPECT_TRUE(run.poll(waker.context()).is_pending());
  EXPECT_EQ(waker.kept_wakers(), 1);
  EXPECT_EQ(*run.poll(waker.context()), 7);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

TEST(RunUntilCancelled, DropsTheFutureBeforeItAnswers) {
  CancellationToken token;
  WakeCounter waker;
  int alive = 0;
  auto run = token.run_until_cancelled(seven_after(100, alive));
  EXPECT_TRUE(run.poll(waker.context()).is_pending());
  token.cancel();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(alive, 1);
  EXPECT_EQ(*run.poll(waker.context()), std::nullopt);
  EXPECT_EQ(alive, 0);
}

TEST(RunUntilCancelled, ACancelledTokenDoesNotBeginTheFuture) {
  CancellationToken token;
  token.cancel();
  WakeCounter waker;
  int made = 0;
  auto run = token.run_until_cancelled([&] {
    ++made;
    return yield_now();
  });
  EXPECT_EQ(*run.poll(waker.context()), std::nullopt);
  EXPECT_EQ(made, 0);
}

TEST(RunUntilCancelled, AFutureThatIsReadyWins) {
  CancellationToken token;
  WakeCounter waker;
  auto run = token.run_until_cancelled(yield_now());
  EXPECT_TRUE(run.poll(waker.context()).is_pending());
  token.cancel();
  EXPECT_EQ(*run.poll(waker.context()), std::monostate());
}

TEST(RunUntilCancelled, AnExceptionPassesThrough) {
  CancellationToken token;
  WakeCounter waker;
  auto run = token.run_until_cancelled(fail());
  EXPECT_THROW((void)run.poll(waker.context()), std::runtime_error);
}

TEST(RunUntilCancelled, AFutureByReferenceGoesOnAfterwards) {
  CancellationToken first, second;
  WakeCounter waker;
  int alive = 0;
  Task<int> task = seven_after(2, alive);
  {
    auto run = first.run_until_cancelled(task);
    EXPECT_TRUE(run.poll(waker.context()).is_pending());
  }
  auto run = second.run_until_cancelled(task);
  EXPECT_TRUE(run.poll(waker.context()).is_pending());
  EXPECT_EQ(*run.poll(waker.context()), 7);
}

Task<> use_tokens(CancellationToken token, int& alive) {
  Alive here(alive);
  auto child = token.child_token();
  (void)co_await child.run_until_cancelled(seven_after(3, alive));
  (void)co_await child.run_until_cancelled(child.cancelled());
}

// D4: aborted after the k-th poll, for every k until the end.
TEST(RunUntilCancelled, AbortedAnywhereItLeavesNothingBehind) {
  for (int k = 0; k < 8; ++k) {
    testing::ManualScheduler scheduler;
    CancellationToken token;
    int alive = 0;
    auto handle = task::launch(scheduler, use_tokens(token, alive));
    scheduler.run(k);
    if (k > 4) token.cancel();
    handle.abort();
    scheduler.run();
    EXPECT_TRUE(handle.is_finished()) << k;
    EXPECT_EQ(alive, 0) << k;
    token.cancel();
    EXPECT_EQ(scheduler.queued(), 0u) << k;
  }
}

// --- std::stop_token ---------------------------------------------------------

TEST(CancellationToken, FollowsAStopToken) {
  std::stop_source source;
  CancellationToken token(source.get_token());
  auto child = token.child_token();
  WakeCounter waker;
  auto wait = child.cancelled();
  EXPECT_TRUE(wait.poll(waker.context()).is_pending());
  source.request_stop();
  EXPECT_TRUE(token.is_cancelled());
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(CancellationToken(source.get_token()).is_cancelled());
  EXPECT_FALSE(CancellationToken(std::stop_token()).is_cancelled());
}

TEST(CancellationToken, AChildFollowsItsParentAndAStopToken) {
  std::stop_source source;
  CancellationToken root;
  auto a = root.child_token(source.get_token());
  source.request_stop();
  EXPECT_TRUE(a.is_cancelled());
  EXPECT_FALSE(root.is_cancelled());
  std::stop_source other;
  auto b = root.child_token(other.get_token());
  root.cancel();
  EXPECT_TRUE(b.is_cancelled());
  EXPECT_FALSE(other.stop_requested());
}

TEST(CancellationToken, GivesAStopToken) {
  CancellationToken token;
  std::stop_token stop = token.stop_token();
  EXPECT_EQ(stop, token.stop_token());
  int calls = 0;
  std::stop_callback callback(stop, [&] {
    EXPECT_TRUE(token.is_cancelled());
    ++calls;
  });
  EXPECT_FALSE(stop.stop_requested());
  token.cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(stop.stop_requested());
  CancellationToken other;
  other.cancel();
  EXPECT_TRUE(other.stop_token().stop_requested());
}

TEST(CancellationToken, AStopTokenOutlivesItsToken) {
  std::stop_token stop = CancellationToken().stop_token();
  EXPECT_FALSE(stop.stop_possible());
}

TEST(CancellationToken, LinksFormChains) {
  CancellationToken first;
  CancellationToken second(first.stop_token());
  CancellationToken third(second.stop_token());
  first.cancel();
  EXPECT_TRUE(third.is_cancelled());
}

TEST(CancellationToken, ACallbackMayDropTheTokenThatCallsIt) {
  std::stop_source source;
  std::optional<CancellationToken> token(source.get_token());
  std::stop_callback callback(token->stop_token(), [&] { token.reset(); });
  source.request_stop();
  EXPECT_FALSE(token.has_value());
}

// --- Stress ------------------------------------------------------------------

// Properties: while a foreign thread cancels the root, by a stop request or by
// itself, and others add tokens and drop them,
//   - every token that is kept ends up cancelled;
//   - every wait that was pending is woken;
//   - who finds a token cancelled sees what was written before.
//
// Faults: cancellation-* in tests/faults.txt.
struct Round {
  std::stop_source source;
  CancellationToken root{source.get_token()};
  int letter = 0;
  std::vector<CancellationToken> kept[2];
};

void add_and_drop(Round& round, int me, base::Random& random) {
  for (int i = 0; i < 6; ++i) {
    CancellationToken child = random.below(2) == 0
                                  ? round.root.child_token()
                                  : CancellationToken(round.source.get_token());
    CancellationToken below = child.child_token();
    if (random.below(2) == 0) child = CancellationToken();
    WakeCounter waker;
    auto wait = below.cancelled();
    if (random.below(2) == 0) {
      (void)wait.poll(waker.context());  // and dropped
    } else if (random.below(4) == 0 &&
               wait.poll(waker.context()).is_pending()) {
      while (waker.wakes() == 0) std::this_thread::yield();
      EXPECT_TRUE(wait.poll(waker.context()).is_ready());
    }
    if (below.is_cancelled()) {
      EXPECT_EQ(round.letter, 1);
    }
    if (random.below(2) == 0) round.kept[me].push_back(below);
  }
}

TEST(CancellationTokenStress, NoTokenIsMissed) {
  testing::Stress<Round> stress(/*rounds=*/6'000);
  stress.threads(2, add_and_drop);
  stress.threads(1, [](Round& round, int, base::Random& random) {
    round.letter = 1;
    for (uint64_t i = random.below(4); i > 0; --i) std::this_thread::yield();
    if (random.below(2) == 0) round.root.cancel();
    round.source.request_stop();
  });
  stress.run([](Round& round) {
    for (auto& kept : round.kept) {
      for (CancellationToken& token : kept) EXPECT_TRUE(token.is_cancelled());
    }
  });
}

// Tokens that go while the stop they follow is requested.
TEST(CancellationTokenStress, AStopRequestRacesWithTheEnd) {
  struct Pair {
    std::stop_source source;
    std::optional<CancellationToken> token{source.get_token()};
  };
  testing::Stress<Pair> stress(/*rounds=*/20'000);
  stress.threads(1, [](Pair& pair, int, base::Random&) {
    auto below = pair.token->child_token();
    pair.token.reset();
  });
  stress.threads(
      1, [](Pair& pair, int, base::Random&) { pair.source.request_stop(); });
  stress.run([](Pair&) {});
}

}  // namespace
}  // namespace eddy::sync
