#include "runtime/task/join_handle.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "runtime/task/cell.h"
#include "runtime/task/task.h"
#include "tests/runtime/task/leaves.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::Live;
using testing::ManualScheduler;
using testing::WakeCounter;
using testing::Yields;

template <class T>
JoinResult<T> take(JoinHandle<T>& handle) {
  WakeCounter waker;
  Poll<JoinResult<T>> poll = handle.poll(waker.context());
  EXPECT_TRUE(poll.is_ready());
  return *std::move(poll);
}

Task<int> answer() { co_return 42; }
Task<> nothing() { co_return; }
Task<std::unique_ptr<int>> boxed() { co_return std::make_unique<int>(7); }
Task<int&> same(int& number) { co_return number; }
Task<int> wait_for(Event& event) {
  co_await event.wait();
  co_return 1;
}

// Outcomes.

TEST(JoinHandle, GivesTheValueOfTheTask) {
  ManualScheduler scheduler;
  int number = 1;
  auto a = task::launch(scheduler, answer());
  auto b = task::launch(scheduler, nothing());
  auto c = task::launch(scheduler, boxed());
  auto d = task::launch(scheduler, same(number));
  EXPECT_FALSE(a.is_finished());
  EXPECT_EQ(scheduler.run(), 4u);
  EXPECT_TRUE(a.is_finished());
  EXPECT_EQ(take(a).value(), 42);
  EXPECT_TRUE(take(b).has_value());
  EXPECT_EQ(**take(c), 7);
  EXPECT_EQ(&take(d).value(), &number);
}

TEST(JoinHandle, JoinerIsWokenOnce) {
  ManualScheduler scheduler;
  WakeCounter waker;
  Event event;
  auto handle = task::launch(scheduler, wait_for(event));
  EXPECT_TRUE(handle.poll(waker.context()).is_pending());
  scheduler.run();
  EXPECT_TRUE(handle.poll(waker.context()).is_pending());
  EXPECT_EQ(waker.wakes(), 0);
  event.set();
  scheduler.run();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_EQ(waker.kept_wakers(), 0);
  EXPECT_EQ(take(handle).value(), 1);
}

TEST(JoinHandle, LatestWakerCounts) {
  ManualScheduler scheduler;
  WakeCounter old, recent;
  auto handle = task::launch(scheduler, answer());
  EXPECT_TRUE(handle.poll(old.context()).is_pending());
  EXPECT_TRUE(handle.poll(recent.context()).is_pending());
  EXPECT_TRUE(handle.poll(recent.context()).is_pending());
  EXPECT_EQ(old.kept_wakers(), 0);
  EXPECT_EQ(recent.kept_wakers(), 1);
  scheduler.run();
  EXPECT_EQ(old.wakes(), 0);
  EXPECT_EQ(recent.wakes(), 1);
  EXPECT_EQ(take(handle).value(), 42);
}

TEST(JoinHandle, MayBeAwaitedByATask) {
  struct Parent {
    static Task<int> run(JoinHandle<int> child) {
      co_return (co_await child).value() + 1;
    }
  };
  ManualScheduler scheduler;
  auto child = task::launch(scheduler, answer());
  auto parent = task::launch(scheduler, Parent::run(std::move(child)));
  scheduler.run();
  EXPECT_EQ(take(parent).value(), 43);
}

TEST(JoinHandle, WithoutBudgetItAsksForAnotherPoll) {
  ManualScheduler scheduler;
  WakeCounter waker;
  auto handle = task::launch(scheduler, answer());
  scheduler.run();
  Context& cx = waker.context(/*budget=*/0);
  EXPECT_TRUE(handle.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ(take(handle).value(), 42);
}

TEST(JoinHandle, KnowsIdsAndNames) {
  ManualScheduler scheduler;
  auto a = task::launch(scheduler, nothing());
  auto b = task::launch_named(scheduler, "named", nothing());
  EXPECT_NE(a.id(), b.id());
  EXPECT_EQ(b.id(), b.abort_handle().id());
  scheduler.run();
}

// D2: exceptions.

Task<int> fail() {
  throw std::runtime_error("task");
  co_return 1;
}
Task<int> fail_strangely() {
  co_await Yields(1);
  throw 5;
}

TEST(JoinHandle, ExceptionsAreKeptForTheJoiner) {
  ManualScheduler scheduler;
  auto std_error = task::launch(scheduler, fail());
  auto other = task::launch(scheduler, fail_strangely());
  scheduler.run();
  JoinResult<int> result = take(std_error);
  EXPECT_FALSE(result.has_value());
  EXPECT_FALSE(result.is_cancelled());
  EXPECT_NE(result.exception(), nullptr);
  EXPECT_THROW(std::move(result).value(), std::runtime_error);
  EXPECT_THROW(take(other).value(), int);
  EXPECT_TRUE(scheduler.unhandled_errors.empty());
}

TEST(JoinHandle, ExceptionThatNobodyJoinsIsReported) {
  ManualScheduler scheduler;
  task::launch(scheduler, fail()).detach();
  auto late = task::launch(scheduler, fail());
  scheduler.run();
  EXPECT_EQ(scheduler.unhandled_errors.size(), 1u);
  std::move(late).detach();
  EXPECT_EQ(scheduler.unhandled_errors.size(), 1u)
      << "its joiner had the chance to look";
}

// A future that throws from its destructor, and one whose output does.
class ThrowsAtItsEnd {
 public:
  explicit ThrowsAtItsEnd(bool armed, int* ends = nullptr)
      : armed_(armed), ends_(ends) {}
  ThrowsAtItsEnd(ThrowsAtItsEnd&& other) noexcept
      : armed_(std::exchange(other.armed_, false)),
        ends_(std::exchange(other.ends_, nullptr)) {}
  ThrowsAtItsEnd& operator=(ThrowsAtItsEnd&&) = delete;
  ~ThrowsAtItsEnd() noexcept(false) {
    if (ends_ != nullptr) ++*ends_;
    if (armed_) throw std::logic_error("destructor");
  }

 private:
  bool armed_;
  int* ends_;
};

class FutureThatThrowsAtItsEnd {
 public:
  using Output = int;
  explicit FutureThatThrowsAtItsEnd(Event* event, int& ends)
      : event_(event), end_(true, &ends) {}
  Poll<int> poll(Context&) {
    if (event_ != nullptr) return kPending;
    return 1;
  }

 private:
  Event* event_;
  ThrowsAtItsEnd end_;
};

TEST(JoinHandle, FutureMayThrowFromItsDestructor) {
  int ends = 0;
  Event never;
  ManualScheduler scheduler;
  auto ready = task::launch(scheduler, FutureThatThrowsAtItsEnd(nullptr, ends));
  auto aborted =
      task::launch(scheduler, FutureThatThrowsAtItsEnd(&never, ends));
  scheduler.run();
  aborted.abort();
  scheduler.run();
  EXPECT_EQ(ends, 2);
  EXPECT_THROW(take(ready).value(), std::logic_error);
  EXPECT_THROW(take(aborted).value(), std::logic_error);
}

struct ThrowsWhenMoved {
  explicit ThrowsWhenMoved(int moves_left) : moves_left(moves_left) {}
  ThrowsWhenMoved(ThrowsWhenMoved&& other) : moves_left(other.moves_left - 1) {
    if (moves_left < 0) throw std::runtime_error("moved");
  }
  int moves_left;
};

// Wherever on its way from the task to the joiner the value throws: somebody is
// told, and nothing is destroyed twice.
TEST(JoinHandle, ValueMayThrowWhereverItIsMoved) {
  struct Source {
    static Task<ThrowsWhenMoved> make(int moves) {
      co_return ThrowsWhenMoved(moves);
    }
  };
  int thrown = 0;
  for (int moves = 1; moves < 12; ++moves) {
    ManualScheduler scheduler;
    WakeCounter waker;
    auto handle = task::launch(scheduler, Source::make(moves));
    scheduler.run();
    try {
      take(handle).value();
    } catch (const std::runtime_error&) {
      ++thrown;
    }
  }
  EXPECT_GT(thrown, 0);
  EXPECT_LT(thrown, 11);
}

// D3: handle dropped before the start, during, after completion.

Task<Live> make_live(int& live, Event& event) {
  Live local(live);
  co_await event.wait();
  co_return local;
}

TEST(JoinHandle, DroppedBeforeTheStartDetaches) {
  int live = 0;
  Event event;
  ManualScheduler scheduler;
  { auto handle = task::launch(scheduler, make_live(live, event)); }
  scheduler.run();
  EXPECT_EQ(live, 1) << "it runs on";
  event.set();
  scheduler.run();
  EXPECT_EQ(live, 0) << "its value is destroyed with it";
}

TEST(JoinHandle, DroppedWhileTheTaskWaits) {
  int live = 0;
  Event event;
  WakeCounter waker;
  ManualScheduler scheduler;
  {
    auto handle = task::launch(scheduler, make_live(live, event));
    scheduler.run();
    EXPECT_TRUE(handle.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(waker.kept_wakers(), 0);
  event.set();
  scheduler.run();
  EXPECT_EQ(live, 0);
  EXPECT_EQ(waker.wakes(), 0);
}

TEST(JoinHandle, DroppedAfterTheEndDestroysTheOutcomeOnce) {
  int live = 0;
  Event event;
  event.set();
  ManualScheduler scheduler;
  {
    auto handle = task::launch(scheduler, make_live(live, event));
    scheduler.run();
    EXPECT_TRUE(handle.is_finished());
    EXPECT_EQ(live, 1);
  }
  EXPECT_EQ(live, 0);
}

// The handle goes while its own task is being polled: the task drops it.
TEST(JoinHandle, DroppedByItsOwnTask) {
  struct Suicide {
    static Task<int> run(std::optional<JoinHandle<int>>& own) {
      own.reset();
      co_return 1;
    }
  };
  ManualScheduler scheduler;
  std::optional<JoinHandle<int>> own;
  own.emplace(task::launch(scheduler, Suicide::run(own)));
  EXPECT_EQ(scheduler.run(), 1u);
}

// D2, D3: a value that nobody reads throws from its destructor.
Task<ThrowsAtItsEnd> explosive(int& ends) {
  co_return ThrowsAtItsEnd(true, &ends);
}

TEST(JoinHandle, ValueMayThrowFromItsDestructor) {
  int ends = 0;
  ManualScheduler scheduler;
  task::launch(scheduler, explosive(ends)).detach();
  auto dropped_late = task::launch(scheduler, explosive(ends));
  auto joined = task::launch(scheduler, explosive(ends));
  scheduler.run();
  EXPECT_EQ(ends, 1);
  EXPECT_EQ(scheduler.unhandled_errors.size(), 1u) << "nobody joins it";
  { auto drop = std::move(dropped_late); }
  EXPECT_EQ(ends, 2);
  EXPECT_EQ(scheduler.unhandled_errors.size(), 1u);
  EXPECT_THROW({ JoinResult<ThrowsAtItsEnd> result = take(joined); },
               std::logic_error);
  EXPECT_EQ(ends, 3);
}

// D4: abort.

TEST(JoinHandle, AbortBeforeTheStartMeansThatItNeverRuns) {
  struct Flag {
    static Task<> raise(bool& flag) {
      flag = true;
      co_return;
    }
  };
  bool ran = false;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, Flag::raise(ran));
  handle.abort();
  EXPECT_FALSE(handle.is_finished());
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_TRUE(take(handle).is_cancelled());
  EXPECT_FALSE(ran);
}

TEST(JoinHandle, AbortOfAWaitingTaskDestroysItsFuture) {
  int live = 0;
  Event event;
  WakeCounter waker;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, make_live(live, event));
  scheduler.run();
  EXPECT_TRUE(handle.poll(waker.context()).is_pending());
  AbortHandle abort = handle.abort_handle();
  abort.abort();
  abort.abort();
  EXPECT_EQ(live, 1) << "it is destroyed at its turn, not by the caller";
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_EQ(live, 0);
  EXPECT_EQ(event.waits(), 0);
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(abort.is_finished());
  EXPECT_THROW(take(handle).value(), TaskCancelled);
}

TEST(JoinHandle, AbortAfterTheEndChangesNothing) {
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, answer());
  AbortHandle abort = handle.abort_handle();
  scheduler.run();
  abort.abort();
  EXPECT_EQ(scheduler.run(), 0u);
  EXPECT_EQ(take(handle).value(), 42);
  abort.abort();
  EXPECT_TRUE(abort.is_finished());
}

TEST(JoinHandle, TaskMayAbortItself) {
  struct Self {
    static Task<int> run(std::optional<AbortHandle>& own, Event& never) {
      own->abort();
      co_await never.wait();
      co_return 1;
    }
  };
  Event never;
  std::optional<AbortHandle> own;
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, Self::run(own, never));
  own = handle.abort_handle();
  EXPECT_EQ(scheduler.run(), 1u);
  EXPECT_TRUE(take(handle).is_cancelled());
}

// A task with something of everything: nested calls, leaves of several kinds,
// an exception that it catches, guards.
Task<int> inner(int& live, int rounds) {
  Live guard(live);
  for (int i = 0; i < rounds; ++i) {
    co_await Yields(1);
    Live again(live);
    co_await Yields(1);
  }
  co_return rounds;
}
Task<int> everything(int& live, int& clean_ups) {
  struct CleanUp {
    ~CleanUp() { ++count; }
    int& count;
  } clean_up{clean_ups};
  Live guard(live);
  int sum = co_await inner(live, 2);
  try {
    co_await testing::Throws(std::runtime_error("leaf"), 2);
  } catch (const std::runtime_error&) {
    ++sum;
  }
  Task<int> kept = inner(live, 1);
  sum += co_await kept;
  co_return sum + co_await inner(live, 1);
}

TEST(JoinHandle, AbortAfterEachPollCleansUpOnce) {
  for (size_t polls = 0;; ++polls) {
    int live = 0, clean_ups = 0;
    ManualScheduler scheduler;
    auto handle = task::launch(scheduler, everything(live, clean_ups));
    if (scheduler.run(polls) < polls) {
      EXPECT_EQ(take(handle).value(), 2 + 1 + 1 + 1);
      EXPECT_GT(polls, 8u);
      break;
    }
    handle.abort();
    scheduler.run();
    const bool was_over = take(handle).has_value();
    EXPECT_EQ(live, 0) << "after poll " << polls;
    EXPECT_EQ(clean_ups, polls == 0 ? 0 : 1) << "after poll " << polls;
    EXPECT_TRUE(!was_over || polls > 8) << polls;
  }
}

// The end of the scheduler.

TEST(JoinHandle, SpawnOnAClosedSchedulerIsCancelled) {
  int live = 0;
  Event event;
  ManualScheduler scheduler;
  scheduler.closed = true;
  auto handle = task::launch(scheduler, make_live(live, event));
  EXPECT_TRUE(handle.is_finished());
  EXPECT_EQ(live, 0);
  EXPECT_TRUE(take(handle).is_cancelled());
  task::launch(scheduler, make_live(live, event)).detach();
}

TEST(JoinHandle, ShutdownCancelsQueuedAndWaitingTasks) {
  int live = 0;
  Event event;
  ManualScheduler scheduler;
  auto waiting = task::launch(scheduler, make_live(live, event));
  scheduler.run();
  auto queued = task::launch(scheduler, make_live(live, event));
  scheduler.shut_down();
  EXPECT_EQ(live, 0);
  EXPECT_TRUE(take(waiting).is_cancelled());
  EXPECT_TRUE(take(queued).is_cancelled());
}

// Misuse.

TEST(JoinHandleDeathTest, SecondAwaitAndUseAfterItAreMisuse) {
  ManualScheduler scheduler;
  WakeCounter waker;
  auto handle = task::launch(scheduler, answer());
  scheduler.run();
  EXPECT_EQ(take(handle).value(), 42);
  EXPECT_DEATH((void)handle.poll(waker.context()), "awaited twice");
  EXPECT_DEATH(handle.abort(), "after it was awaited");
  EXPECT_DEATH(std::move(handle).detach(), "after it was awaited");
}

TEST(JoinHandleDeathTest, AnAbortHandleThatWasMovedFromNamesTheRemedy) {
  ManualScheduler scheduler;
  auto handle = task::launch(scheduler, answer());
  AbortHandle from = handle.abort_handle();
  const AbortHandle to = std::move(from);
  EXPECT_DEATH(from.abort(), "moved from: copy it");
  scheduler.run();
  EXPECT_TRUE(to.is_finished());
}

TEST(JoinHandleDeathTest, ValueThatIsNotThereNamesTheRemedy) {
  EXPECT_DEATH((void)*JoinResult<int>(Cancelled()), "has_value");
}

}  // namespace
}  // namespace eddy
