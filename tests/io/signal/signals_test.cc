#include "io/signal/signals.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/support/fault_injector.h"
#include "tests/support/wake_counter.h"

namespace eddy::io {
namespace {

Runtime one_thread() { return *Builder::current_thread().build(); }

struct sigaction action_of(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  return action;
}

// raise() runs the handler before it returns, on this thread.
TEST(Signals, ReportsASignalThatCameBeforeItWasAskedFor) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    Signals signals = *Signals::listen({SIGUSR1});
    raise(SIGUSR1);
    EXPECT_EQ(*co_await signals.next(), SIGUSR1);
  });
}

TEST(Signals, WakesTheTaskThatWaits) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    Signals signals = *Signals::listen({SIGUSR1, SIGUSR2});
    auto handle = spawn(
        [&signals]() -> Task<int> { co_return *co_await signals.next(); });
    co_await yield_now();  // it waits now
    kill(getpid(), SIGUSR2);
    EXPECT_EQ((co_await handle).value(), SIGUSR2);
  });
}

// F3: a thread that knows nothing of eddy gets the signal.
TEST(Signals, ASignalMayInterruptAnyThread) {
  Runtime runtime = *Builder::multi_thread().worker_threads(2).build();
  runtime.block_on([]() -> Task<> {
    Signals signals = *Signals::listen({SIGUSR1});
    auto handle = spawn(
        [&signals]() -> Task<int> { co_return *co_await signals.next(); });
    std::thread([] { raise(SIGUSR1); }).join();
    EXPECT_EQ((co_await handle).value(), SIGUSR1);
  });
}

TEST(Signals, ADroppedNextLosesNothing) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    Signals signals = *Signals::listen({SIGUSR1});
    auto first = co_await select_biased(signals.next(), yield_now());
    EXPECT_EQ(first.index(), 1u);
    raise(SIGUSR1);
    EXPECT_EQ(*co_await signals.next(), SIGUSR1);
  });
}

TEST(Signals, EveryListenerLearnsOfIt) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    Signals one = *Signals::listen({SIGUSR1});
    Signals two = *Signals::listen({SIGUSR2, SIGUSR1});
    raise(SIGUSR1);
    auto [a, b] = co_await join(one.next(), two.next());
    EXPECT_EQ(*a, SIGUSR1);
    EXPECT_EQ(*b, SIGUSR1);
  });
}

TEST(Signals, SeveralThatNobodyAskedForAreOne) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    Signals signals = *Signals::listen({SIGUSR1, SIGUSR2});
    for (int i = 0; i < 3; ++i) raise(SIGUSR2);
    raise(SIGUSR1);
    EXPECT_EQ(*co_await signals.next(), SIGUSR1);
    EXPECT_EQ(*co_await signals.next(), SIGUSR2);
    auto next = co_await select_biased(signals.next(), yield_now());
    EXPECT_EQ(next.index(), 1u);
  });
}

TEST(Signals, ThoseFromBeforeListenAreNotReported) {
  Runtime runtime = one_thread();
  runtime.block_on([]() -> Task<> {
    {
      Signals earlier = *Signals::listen({SIGUSR1});
      raise(SIGUSR1);
    }
    Signals signals = *Signals::listen({SIGUSR1});
    auto next = co_await select_biased(signals.next(), yield_now());
    EXPECT_EQ(next.index(), 1u);
  });
}

TEST(Signals, TheLastListenerRestoresWhatTheSignalDid) {
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGUSR1, &ignore, nullptr);
  Runtime runtime = one_thread();
  const auto guard = runtime.enter();
  {
    Signals one = *Signals::listen({SIGUSR1});
    {
      Signals two = *Signals::listen({SIGUSR1});
      EXPECT_NE(action_of(SIGUSR1).sa_handler, SIG_IGN);
    }
    EXPECT_NE(action_of(SIGUSR1).sa_handler, SIG_IGN);
  }
  EXPECT_EQ(action_of(SIGUSR1).sa_handler, SIG_IGN);
}

TEST(Signals, MayOutliveTheirRuntime) {
  std::optional<Runtime> runtime = one_thread();
  std::optional<Signals> signals;
  {
    const auto guard = runtime->enter();
    signals = *Signals::listen({SIGUSR1});
  }
  runtime.reset();
  auto next = signals->next();
  testing::WakeCounter waker;
  Context cx(waker.waker());
  Poll<absl::StatusOr<int>> poll = next.poll(cx);
  ASSERT_TRUE(poll.is_ready());
  EXPECT_TRUE(absl::IsCancelled(poll->status()));
}

TEST(Signals, WhatCantBeHandledIsRefused) {
  Runtime runtime = one_thread();
  const auto guard = runtime.enter();
  for (int signal : {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Signals::listen({signal}).status()))
        << signal;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(Signals::listen({}).status()));
  // What was begun is undone.
  EXPECT_FALSE(Signals::listen({SIGUSR2, SIGKILL}).ok());
  EXPECT_EQ(action_of(SIGUSR2).sa_handler, SIG_DFL);
}

TEST(Signals, AFailureUndoesWhatWasDone) {
  Runtime runtime = one_thread();
  const auto guard = runtime.enter();
  for (testing::Call call : {testing::Call::kSigaction, testing::Call::kFcntl,
                             testing::Call::kEpollCtl}) {
    testing::FaultInjector faults;
    faults.fail(call, testing::nth(1), EMFILE);
    EXPECT_EQ(errno_of(Signals::listen({SIGUSR2}).status()), EMFILE);
    EXPECT_EQ(action_of(SIGUSR2).sa_handler, SIG_DFL);
  }
}

}  // namespace
}  // namespace eddy::io
