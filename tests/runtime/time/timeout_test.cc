#include "runtime/time/timeout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/task/task.h"
#include "tests/runtime/time/time_test_support.h"
#include "tests/support/wake_counter.h"

namespace eddy::time {
namespace {

using namespace std::chrono_literals;
using testing::TimeEnvironment;
using testing::WakeCounter;

template <class T>
Task<T> after(Duration delay, T value) {
  co_await sleep(delay);
  co_return std::move(value);
}
Task<> nothing_after(Duration delay) { co_await sleep(delay); }
Task<int&> reference_after(Duration delay, int* value) {
  co_await sleep(delay);
  co_return *value;
}
Task<int> fail_after(Duration delay) {
  co_await sleep(delay);
  throw std::runtime_error("failed");
}

template <class T>
using OutputOfTask = OutputOf<Timeout<Task<T>>>;
static_assert(std::is_same_v<OutputOfTask<void>, absl::Status>);
static_assert(std::is_same_v<OutputOfTask<absl::Status>, absl::Status>);
static_assert(std::is_same_v<OutputOfTask<int>, absl::StatusOr<int>>);
static_assert(
    std::is_same_v<OutputOfTask<absl::StatusOr<int>>, absl::StatusOr<int>>);
static_assert(std::is_same_v<OutputOfTask<int&>,
                             absl::StatusOr<std::reference_wrapper<int>>>);

// Sets a flag when it dies.
class Witness {
 public:
  explicit Witness(bool& dead) : dead_(&dead) {}
  Witness(Witness&& other) noexcept
      : dead_(std::exchange(other.dead_, nullptr)) {}
  ~Witness() {
    if (dead_ != nullptr) *dead_ = true;
  }

 private:
  bool* dead_;
};

Task<int> watched(Duration delay, Witness) {
  co_await sleep(delay);
  co_return 42;
}

TEST(Timeout, GivesTheValueThatIsInTime) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(10ms, after(5ms, 42));
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(**limited.poll(waker.context()), 42);
  time.advance(1h);
  EXPECT_EQ(waker.wakes(), 1) << "its own timer is gone";
}

TEST(Timeout, GivesDeadlineExceededAndDestroysTheFuture) {
  TimeEnvironment time;
  WakeCounter waker;
  bool dead = false;
  auto limited = timeout(10ms, watched(20ms, Witness(dead)));
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(10ms);
  EXPECT_FALSE(dead);
  Poll<absl::StatusOr<int>> result = limited.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_TRUE(absl::IsDeadlineExceeded((*result).status()));
  EXPECT_TRUE(dead);
  EXPECT_EQ(time.advance(1h), 0u);
}

TEST(Timeout, AReadyFutureWinsHoweverLate) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(10ms, after(5ms, 42));
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(1h);
  EXPECT_EQ(**limited.poll(waker.context()), 42);
  EXPECT_EQ(**timeout(0ms, after(0ms, 7)).poll(waker.context()), 7);
}

TEST(Timeout, OfZeroEndsWhatIsPending) {
  TimeEnvironment time;
  WakeCounter waker;
  Poll<absl::Status> result =
      timeout(0ms, nothing_after(1ms)).poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_TRUE(absl::IsDeadlineExceeded(*result));
}

// G1
TEST(Timeout, OfExtremeTimesIsNoOverflow) {
  TimeEnvironment time;
  WakeCounter waker;
  auto longest = timeout(std::chrono::hours::max(), nothing_after(24h * 36500));
  EXPECT_TRUE(longest.poll(waker.context()).is_pending());
  time.advance(24h * 36500);
  EXPECT_TRUE((*longest.poll(waker.context())).ok());
  auto never = timeout_at(Instant::max(), nothing_after(Duration::max()));
  EXPECT_TRUE(never.poll(waker.context()).is_pending());
  auto shortest = timeout(std::chrono::hours::min(), nothing_after(1ms));
  EXPECT_TRUE(absl::IsDeadlineExceeded(*shortest.poll(waker.context())));
  auto past = timeout_at(Instant::min(), nothing_after(1ms));
  EXPECT_TRUE(absl::IsDeadlineExceeded(*past.poll(waker.context())));
}

TEST(Timeout, StatusIsFlattened) {
  TimeEnvironment time;
  WakeCounter waker;
  auto status = timeout(1s, after<absl::Status>(0ms, absl::AbortedError("a")));
  EXPECT_TRUE(absl::IsAborted(*status.poll(waker.context())));
  auto value = timeout(1s, after<absl::StatusOr<int>>(0ms, 42));
  EXPECT_EQ(**value.poll(waker.context()), 42);
  auto nothing = timeout(1s, nothing_after(0ms));
  EXPECT_TRUE((*nothing.poll(waker.context())).ok());
}

TEST(Timeout, GivesMoveOnlyValuesAndReferences) {
  TimeEnvironment time;
  WakeCounter waker;
  auto pointer = timeout(1s, after(0ms, std::make_unique<int>(42)));
  EXPECT_EQ(***pointer.poll(waker.context()), 42);
  int value = 7;
  auto reference = timeout(1s, reference_after(0ms, &value));
  EXPECT_EQ(&(*reference.poll(waker.context()))->get(), &value);
}

TEST(Timeout, AFutureByReferenceGoesOnAfterwards) {
  TimeEnvironment time;
  WakeCounter waker;
  Task<int> task = after(20ms, 42);
  auto limited = timeout(10ms, task);
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(10ms);
  EXPECT_FALSE((*limited.poll(waker.context())).ok());
  time.advance(10ms);
  EXPECT_EQ(*task.poll(waker.context()), 42);
}

// A future that must stay where it was made.
class Immovable {
 public:
  using Output = int;
  explicit Immovable(int value) : value_(value) {}
  Immovable(const Immovable&) = delete;
  Poll<int> poll(Context&) { return value_; }

 private:
  int value_;
};

TEST(Timeout, ACallableMakesAFutureThatCannotBeMoved) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(1s, [] { return Immovable(42); });
  EXPECT_EQ(**limited.poll(waker.context()), 42);
}

// D2
TEST(Timeout, AnExceptionEndsItAndDropsTheTimer) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(10ms, fail_after(5ms));
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_THROW((void)limited.poll(waker.context()), std::runtime_error);
  time.advance(1h);
  EXPECT_EQ(waker.wakes(), 1);
}

// D4
TEST(Timeout, DroppedAtEveryStageLeavesNothing) {
  TimeEnvironment time;
  WakeCounter waker;
  for (int polls = 0; polls <= 3; ++polls) {
    bool dead = false;
    {
      auto limited = timeout(10ms, watched(20ms, Witness(dead)));
      for (int i = 0; i < polls; ++i) {
        if (i == 2) time.advance(10ms);
        EXPECT_EQ(limited.poll(waker.context()).is_ready(), i == 2);
      }
    }
    EXPECT_TRUE(dead);
    EXPECT_EQ(waker.kept_wakers(), 0);
    EXPECT_EQ(time.advance(1h), 0u);
  }
}

// Spends all of the budget in each poll, for ever.
Task<> spin() {
  for (;;) co_await sleep(0ms);
}

// H1: who is always ready does not keep the time back.
TEST(Timeout, EndsAFutureThatSpendsTheBudget) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(10ms, spin());
  EXPECT_TRUE(limited.poll(waker.context()).is_pending());
  time.advance(10ms);
  Poll<absl::Status> result = limited.poll(waker.context());
  ASSERT_TRUE(result.is_ready());
  EXPECT_TRUE(absl::IsDeadlineExceeded(*result));
}

Task<absl::StatusOr<int>> nested() {
  absl::Status status =
      co_await timeout(10ms, timeout(5ms, nothing_after(20ms)));
  if (!absl::IsDeadlineExceeded(status)) co_return status;
  co_return co_await timeout(10ms, after(1ms, 42));
}

// The trap of GCC 12: temporaries in a co_await expression.
TEST(Timeout, IsATemporaryInCoAwait) {
  TimeEnvironment time;
  WakeCounter waker;
  Task<absl::StatusOr<int>> task = nested();
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  time.advance(5ms);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  time.advance(1ms);
  EXPECT_EQ(**task.poll(waker.context()), 42);
}

#ifndef NDEBUG
// D5
TEST(TimeoutDeathTest, PolledAfterReadyFailsLoudly) {
  TimeEnvironment time;
  WakeCounter waker;
  auto limited = timeout(1s, after(0ms, 42));
  EXPECT_TRUE(limited.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)limited.poll(waker.context()), "after it was ready");
}
#endif

}  // namespace
}  // namespace eddy::time
