// Operations in whole runtimes, by the ring and by the pool: what becomes of
// the record, however early its future was dropped (B4), of what hangs (B5),
// and of what is under way when the runtime ends (F1).
#include "reactor/submission.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reactor/operation.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/reactor/operations.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"
#include "tests/support/wake_counter.h"

namespace eddy::reactor {
namespace {

using namespace std::chrono_literals;
using testing::always;
using testing::Call;
using testing::eventually;
using testing::FaultInjector;
using testing::FlavorTest;
using testing::WakeCounter;

class Submissions : public FlavorTest {
 protected:
  void TearDown() override {
    pipe_.reset();
    FlavorTest::TearDown();
    EXPECT_EQ(ledger_.alive(), 0);
  }

  Submission<Read> read(Prefer prefer = Prefer::kRing) {
    return read_from(pipe_->reader(), 100, ledger_, prefer);
  }
  IoUringMetrics ring_metrics() { return runtime().metrics().reactor.io_uring; }
  static constexpr int kManyTurns = 10'000'000;

  // Lets the others run until it is true.
  template <class Done>
  static Task<bool> within_turns(int turns, Done done) {
    for (int i = 0; i < turns; ++i) {
      if (done()) co_return true;
      co_await yield_now();
    }
    co_return false;
  }
  // All that the ring was given has come back.
  [[nodiscard]] bool comes_to_rest() {
    return runtime().block_on(within_turns(kManyTurns, [this] {
      return ring_metrics().in_flight == 0 && ledger_.alive() == 0;
    }));
  }
  Task<> until_in_flight(uint64_t count) {
    const bool are = co_await within_turns(
        kManyTurns, [&] { return ring_metrics().in_flight >= count; });
    EXPECT_TRUE(are);
  }

  Ledger ledger_;
  std::optional<Pipe> pipe_{std::in_place};
};
EDDY_FOR_EACH_FLAVOR(Submissions);

TEST_P(Submissions, GiveTheResultAndTheRecord) {
  pipe_->write("hello");
  auto take = [this]() -> Task<std::string> {
    Submission<Read> pending = read();
    EXPECT_EQ(co_await pending, 5);
    co_return pending.take()->text().substr(0, 5);
  };
  EXPECT_EQ(runtime().block_on(take), "hello");
  EXPECT_EQ(ledger_.discarded, 0);
  EXPECT_EQ(ledger_.performed, 0);
  EXPECT_EQ(ring_metrics().completed, 1u);
  EXPECT_TRUE(runtime().io_uring_status().is_ok());
  expect_idle(runtime());
}

TEST_P(Submissions, GoToThePoolIfThatIsPreferred) {
  pipe_->write("hello");
  auto take = [this]() -> Task<int64_t> {
    co_return co_await read(Prefer::kPool);
  };
  EXPECT_EQ(runtime().block_on(take), 5);
  EXPECT_EQ(ledger_.performed, 1);
  EXPECT_EQ(ring_metrics().submitted, 0u);
}

TEST_P(Submissions, WaitForWhatComesLater) {
  auto take = [this]() -> Task<int64_t> { co_return co_await read(); };
  auto handle = runtime().spawn(take);
  auto write = [this]() -> Task<void> {
    co_await until_in_flight(1);
    pipe_->write("hello");
  };
  runtime().block_on(write);
  EXPECT_EQ(runtime().block_on(std::move(handle)).value(), 5);
}

// B5.
TEST_P(Submissions, GiveTheKernelsErrno) {
  auto fail = [this]() -> Task<int64_t> {
    co_return co_await read_from(-1, 100, ledger_);
  };
  EXPECT_EQ(runtime().block_on(fail), -EBADF);
}

// What tasks of one turn hand over becomes one batch, where their thread polls.
TEST_P(Submissions, OfOneTurnAreOneBatch) {
  if (!is_current_thread()) GTEST_SKIP() << "others flush by themselves";
  auto one = [this]() -> Task<int64_t> {
    co_return co_await Submission(std::make_unique<Nop>(ledger_));
  };
  auto all = [&]() -> Task<void> {
    std::vector<JoinHandle<int64_t>> handles;
    for (int i = 0; i < 20; ++i) handles.push_back(spawn(one));
    for (auto& handle : handles) (void)co_await handle;
  };
  runtime().block_on(all);
  EXPECT_EQ(ring_metrics().submitted, 20u);
  EXPECT_EQ(ring_metrics().batches, 1u);
  EXPECT_EQ(ring_metrics().largest_batch, 20u);
}

// --- B4: dropped -------------------------------------------------------------

TEST_P(Submissions, DroppedBeforeTheFirstPollDoNothing) {
  {
    Submission<Read> dropped = read();
  }
  EXPECT_EQ(ledger_.alive(), 0);
  EXPECT_EQ(ledger_.discarded, 0);
}

// Pushed, but where the thread polls itself, not handed over yet.
TEST_P(Submissions, DroppedAtOnceAreDiscarded) {
  auto drop = [this]() -> Task<void> {
    WakeCounter waker;
    {
      Submission<Read> dropped = read();
      EXPECT_TRUE(dropped.poll(waker.context()).is_pending());
    }
    EXPECT_EQ(waker.kept_wakers(), 0);
    co_return;
  };
  runtime().block_on(drop);
  EXPECT_TRUE(comes_to_rest());
  EXPECT_EQ(ledger_.discarded, 1);
  EXPECT_EQ(ledger_.last_discarded, -ECANCELED);
  if (is_current_thread()) {
    EXPECT_EQ(ring_metrics().submitted, 0u);
  }
}

TEST_P(Submissions, DroppedInFlightAreCancelled) {
  auto hang = [this](bool force_async) -> Task<void> {
    auto record = std::make_unique<Read>(pipe_->reader(), 100, ledger_);
    record->force_async = force_async;
    (void)co_await Submission<Read>(std::move(record));
  };
  auto drop = [&]() -> Task<void> {
    for (bool force_async : {false, true}) {
      JoinHandle<void> handle = spawn(hang(force_async));
      co_await until_in_flight(1);
      handle.abort();
      EXPECT_TRUE((co_await handle).is_cancelled());
      while (ring_metrics().in_flight > 0) co_await yield_now();
    }
  };
  runtime().block_on(drop);
  EXPECT_TRUE(comes_to_rest());
  EXPECT_EQ(ledger_.discarded, 2);
  EXPECT_EQ(ring_metrics().cancels, 2u);
  // Nobody reads any more: what comes is there for others.
  pipe_->write("hello");
  auto take = [this]() -> Task<int64_t> { co_return co_await read(); };
  EXPECT_EQ(runtime().block_on(take), 5);
}

TEST_P(Submissions, DroppedWhenReadyButNotPolledAreDiscarded) {
  auto drop = [this]() -> Task<void> {
    WakeCounter waker;
    Submission<Read> pending = read();
    EXPECT_TRUE(pending.poll(waker.context()).is_pending());
    pipe_->write("hello");
    while (waker.wakes() == 0) co_await yield_now();
  };
  runtime().block_on(drop);
  EXPECT_TRUE(comes_to_rest());
  EXPECT_EQ(ledger_.discarded, 1);
  EXPECT_EQ(ledger_.last_discarded, 5);
}

TEST_P(Submissions, DroppedOnThePoolRunToTheirEnd) {
  auto drop = [this]() -> Task<void> {
    {
      WakeCounter waker;
      Submission<Read> pending = read(Prefer::kPool);
      EXPECT_TRUE(pending.poll(waker.context()).is_pending());
      // A job that has not begun is not run.
      while (ledger_.performed == 0) co_await yield_now();
    }
    EXPECT_EQ(ledger_.alive(), 1);
    pipe_->write("hello");
  };
  runtime().block_on(drop);
  EXPECT_TRUE(eventually([&] { return ledger_.alive() == 0; }));
  EXPECT_EQ(ledger_.last_discarded, 5);
}

// The fixture counts the fds in the end.
TEST_P(Submissions, AnFdThatArrivesForNobodyIsClosed) {
  auto drop = [this]() -> Task<void> {
    for (int polls = 0; polls < 200; ++polls) {
      const Prefer prefer = polls % 2 == 0 ? Prefer::kRing : Prefer::kPool;
      Submission pending(std::make_unique<Open>("/dev/null", ledger_), prefer);
      WakeCounter waker;
      for (int i = 0; i < polls / 2; ++i) {
        Poll<int64_t> fd = pending.poll(waker.context());
        if (fd.is_ready()) {
          EXPECT_GE(*fd, 0);
          pending.operation().fd = *fd;
          break;
        }
        if (i % 8 == 7) co_await yield_now();
      }
    }
  };
  runtime().block_on(drop);
  EXPECT_TRUE(comes_to_rest());
}

TEST_P(Submissions, MayMoveToAnotherWakerAndBePolledForNothing) {
  auto take = [this]() -> Task<void> {
    WakeCounter first, second;
    Submission<Read> pending = read();
    EXPECT_TRUE(pending.poll(first.context()).is_pending());
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(pending.poll(second.context()).is_pending());
    }
    EXPECT_EQ(first.kept_wakers(), 0);
    pipe_->write("hello");
    while (second.wakes() == 0) co_await yield_now();
    EXPECT_EQ(first.wakes(), 0);
    EXPECT_EQ(co_await pending, 5);
  };
  runtime().block_on(take);
}

// An operation ends with the thread that handed it to the kernel, if that is
// done by the kernel's own threads: then it is handed over once more.
TEST_P(Submissions, SurviveTheThreadThatSubmitted) {
  WakeCounter waker;
  std::optional<Submission<Read>> pending;
  auto record = std::make_unique<Read>(pipe_->reader(), 100, ledger_);
  record->force_async = true;
  pending.emplace(std::move(record));
  std::thread([&] {
    auto inside = runtime().enter();
    EXPECT_TRUE(pending->poll(waker.context()).is_pending());
  }).join();
  // Until it has been handed over once more. It need not: the runtime's thread
  // may have submitted it, and then nothing happens.
  auto write = [this]() -> Task<void> {
    co_await until_in_flight(1);
    const auto end = std::chrono::steady_clock::now() + 10ms;
    while (ring_metrics().retries == 0 &&
           std::chrono::steady_clock::now() < end) {
      co_await yield_now();
    }
    pipe_->write("hello");
  };
  runtime().block_on(write);
  auto take = [&]() -> Task<int64_t> { co_return co_await *pending; };
  EXPECT_EQ(runtime().block_on(take), 5);
}

// --- B5: what hangs ----------------------------------------------------------

TEST_P(Submissions, ThatHangKeepNobodyFromAnything) {
  auto hang = [this]() -> Task<int64_t> { co_return co_await read(); };
  auto work = [&]() -> Task<void> {
    std::vector<JoinHandle<int64_t>> hung;
    for (int i = 0; i < 50; ++i) hung.push_back(spawn(hang));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(co_await Submission(std::make_unique<Nop>(ledger_)), 0);
      co_await time::sleep(100us);  // nor from timers
    }
    for (auto& handle : hung) EXPECT_FALSE(handle.is_finished());
    for (auto& handle : hung) handle.abort();
    for (auto& handle : hung) {
      EXPECT_TRUE((co_await handle).is_cancelled());
    }
  };
  runtime().block_on(work);
  EXPECT_TRUE(comes_to_rest());
}

TEST_P(Submissions, OfAPausedClockEndBeforeItMovesOn) {
  Runtime& paused = start(builder().start_paused());
  auto work = [this]() -> Task<void> {
    auto nop = std::make_unique<Nop>(ledger_);
    nop->force_async = true;
    auto first = co_await select(Submission<Nop>(std::move(nop)),
                                 time::sleep(std::chrono::hours(1)));
    EXPECT_EQ(first.index(), 0u);
  };
  paused.block_on(work);
}

// --- F1: the end of the runtime ----------------------------------------------

TEST_P(Submissions, InFlightEndWithTheRuntime) {
  auto hang = [this]() -> Task<void> { (void)co_await read(); };
  for (int i = 0; i < 20; ++i) runtime().spawn(hang).detach();
  runtime().block_on(until_in_flight(20));
  EXPECT_TRUE(runtime().shutdown_timeout(10s).empty());
  EXPECT_EQ(ledger_.alive(), 0);
  // The last one may have been in the midst of its poll: then that was told.
  EXPECT_GE(ledger_.discarded, 19);
  forget(runtime());
}

TEST_P(Submissions, AfterTheEndSayThatTheyAreCancelled) {
  WakeCounter waker;
  Submission<Read> before = read();
  Submission<Read> after = read();
  Submission<Read> pool = read(Prefer::kPool);
  const Handle handle = runtime().handle();
  auto poll = [&](Submission<Read>& pending) {
    auto inside = handle.enter();
    return pending.poll(waker.context());
  };
  EXPECT_TRUE(poll(before).is_pending());
  EXPECT_TRUE(runtime().shutdown_timeout(10s).empty());
  forget(runtime());
  for (Submission<Read>* pending : {&before, &after, &pool}) {
    Poll<int64_t> result = poll(*pending);
    ASSERT_TRUE(result.is_ready());
    EXPECT_EQ(*result, -ECANCELED);
  }
}

// The kernel does not let go of an operation, since no cancellation gets
// through: the runtime ends all the same, says so, and leaves the record to
// the kernel as long as that may write to it.
TEST_P(Submissions, ThatHangAtTheEndKeepTheirRecords) {
  auto hang = [this]() -> Task<void> { (void)co_await read(); };
  runtime().spawn(hang).detach();
  auto wait = [this]() -> Task<void> {
    co_await until_in_flight(1);
    // It has a place in the ring. Once what comes after it has ended, the kernel
    // has it.
    EXPECT_EQ(co_await Submission(std::make_unique<Nop>(ledger_)), 0);
  };
  runtime().block_on(wait);
  {
    FaultInjector faults;
    faults.fail(Call::kIoUringEnter, always(), EAGAIN);
    const std::vector<std::string> stuck = runtime().shutdown_timeout(20ms);
    ASSERT_EQ(stuck.size(), 1u);
    EXPECT_EQ(stuck[0], "io_uring operation \"read\"");
  }
  forget(runtime());
  EXPECT_EQ(ledger_.alive(), 1);
  pipe_->write("hello");
  EXPECT_TRUE(eventually([&] { return ledger_.alive() == 0; }));
  EXPECT_EQ(ledger_.discarded, 1);
}

TEST_P(Submissions, InFlightDoNotKeepUpAnEndInTheBackground) {
  auto hang = [this]() -> Task<void> { (void)co_await read(); };
  for (int i = 0; i < 20; ++i) runtime().spawn(hang).detach();
  runtime().block_on(until_in_flight(20));
  runtime().shutdown_background();
  // Tasks end a little later: the fixture's ledger is for those that were
  // waited for.
  EXPECT_TRUE(eventually([&] { return ledger_.alive() == 0; }));
  EXPECT_TRUE(eventually([&] { return ledger(runtime()).is_balanced(); }));
  forget(runtime());
}

}  // namespace
}  // namespace eddy::reactor
