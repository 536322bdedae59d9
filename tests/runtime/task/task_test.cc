#include "runtime/task/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/runtime/task/leaves.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::Live;
using testing::ReadyNow;
using testing::Throws;
using testing::WakeCounter;
using testing::Yields;

// Polls until it is ready; every leaf asks for its next poll itself.
template <class T>
T finish(Task<T> task) {
  WakeCounter waker;
  for (;;) {
    Context& cx = waker.context();
    Poll<T> poll = task.poll(cx);
    if (poll.is_ready()) return *std::move(poll);
    EXPECT_TRUE(cx.wake_requested());
  }
}

static_assert(Future<Task<int>>);
static_assert(Future<Task<int>&>);
static_assert(sizeof(Task<int>) == sizeof(void*));

// Values.

Task<int> answer() { co_return 42; }
Task<> nothing() { co_return; }
Task<std::unique_ptr<int>> boxed(int value) {
  co_return std::make_unique<int>(value);
}
Task<int&> same(int& number) { co_return number; }
Task<std::string> converted() { co_return "letters"; }
Task<const int> constant() { co_return 5; }

TEST(Task, GivesItsValue) {
  EXPECT_EQ(finish(answer()), 42);
  finish(nothing());
  EXPECT_EQ(*finish(boxed(7)), 7);
  int number = 1;
  EXPECT_EQ(&finish(same(number)), &number);
  EXPECT_EQ(finish(converted()), "letters");
  EXPECT_EQ(finish(constant()), 5);
}

Task<int> sum() {
  int number = 1;
  co_await nothing();
  std::unique_ptr<int> two = co_await ReadyNow(std::make_unique<int>(2));
  co_return co_await answer() + *two + *co_await boxed(3) +
      co_await same(number);
}

TEST(Task, AwaitsTasksAndLeavesOfAnyOutput) {
  EXPECT_EQ(finish(sum()), 42 + 2 + 3 + 1);
}

struct NotDefaultNotAssignable {
  explicit NotDefaultNotAssignable(int value) : value(value) {}
  NotDefaultNotAssignable(NotDefaultNotAssignable&&) = default;
  NotDefaultNotAssignable& operator=(NotDefaultNotAssignable&&) = delete;
  const int value;
};

Task<NotDefaultNotAssignable> rigid() {
  co_await Yields(2);
  co_return NotDefaultNotAssignable(9);
}

Task<int> unpack_rigid() {
  NotDefaultNotAssignable by_task = co_await rigid();
  NotDefaultNotAssignable by_leaf =
      co_await ReadyNow(NotDefaultNotAssignable(1));
  co_return by_task.value + by_leaf.value;
}

TEST(Task, ValueNeedsNoDefaultAndNoAssignment) {
  EXPECT_EQ(finish(unpack_rigid()), 10);
}

// Polls.

Task<> mark(bool& ran) {
  ran = true;
  co_return;
}

TEST(Task, IsLazy) {
  bool ran = false;
  Task<> task = mark(ran);
  EXPECT_FALSE(ran);
  finish(std::move(task));
  EXPECT_TRUE(ran);
}

Task<int> wait_twice(Event& first, Event& second) {
  co_await first.wait();
  co_await second.wait();
  co_return 3;
}

Task<int> nested(int depth, Event& first, Event& second) {
  if (depth == 0) co_return co_await wait_twice(first, second);
  const int value = co_await nested(depth - 1, first, second);
  co_return value + 1;
}

TEST(Task, PollGoesToTheLeafAlone) {
  WakeCounter waker;
  Event first, second;
  Task<int> task = nested(10, first, second);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_EQ(first.polls(), 2);
  first.set();
  EXPECT_EQ(waker.wakes(), 1);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_EQ(first.polls(), 3);
  EXPECT_EQ(second.polls(), 1);
  second.set();
  Poll<int> poll = task.poll(waker.context());
  ASSERT_TRUE(poll.is_ready());
  EXPECT_EQ(*poll, 13);
}

// D5
TEST(Task, ThousandSpuriousPollsChangeNothing) {
  WakeCounter waker;
  Event first, second;
  Task<int> task = nested(3, first, second);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(task.poll(waker.context()).is_pending());
  }
  first.set();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(task.poll(waker.context()).is_pending());
  }
  second.set();
  EXPECT_EQ(*task.poll(waker.context()), 6);
}

TEST(Task, LatestWakerCounts) {
  WakeCounter old, recent;
  Event first, second;
  Task<int> task = wait_twice(first, second);
  EXPECT_TRUE(task.poll(old.context()).is_pending());
  EXPECT_TRUE(task.poll(recent.context()).is_pending());
  first.set();
  EXPECT_EQ(old.wakes(), 0);
  EXPECT_EQ(recent.wakes(), 1);
  EXPECT_EQ(old.kept_wakers(), 0);
}

TEST(Task, MayBeMovedBetweenPolls) {
  WakeCounter waker;
  Event first, second;
  Task<int> task = nested(2, first, second);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  auto home = std::make_unique<Task<int>>(std::move(task));
  first.set();
  second.set();
  EXPECT_EQ(*home->poll(waker.context()), 5);
}

Task<int> await_by_reference(Task<int>& task) { co_return co_await task + 1; }

TEST(Task, MayBeAwaitedByReferenceAndSurvivesTheWait) {
  WakeCounter waker;
  Event first, second;
  Task<int> inner = wait_twice(first, second);
  {
    Task<int> outer = await_by_reference(inner);
    EXPECT_TRUE(outer.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(first.waits(), 1) << "the inner task stands where it stood";
  first.set();
  second.set();
  EXPECT_EQ(finish(await_by_reference(inner)), 4);
}

// Exceptions.

Task<int> fail() {
  throw std::runtime_error("no");
  co_return 1;
}
Task<int> fail_later() {
  co_await Yields(2);
  co_return co_await fail();
}
Task<int> fail_after_value() {
  struct Bomb {
    ~Bomb() noexcept(false) { throw std::logic_error("destructor"); }
  } bomb;
  co_return 1;
}
Task<int> fail_strangely() {
  throw 5;
  co_return 1;
}

Task<std::string> recover(Task<int> task) {
  try {
    co_await std::move(task);
  } catch (const std::exception& error) {
    co_return error.what();
  } catch (...) {
    co_return "strange";
  }
  co_return "no exception";
}

// D2
TEST(Task, ExceptionGoesToWhoAwaits) {
  EXPECT_THROW(finish(fail()), std::runtime_error);
  EXPECT_THROW(finish(fail_later()), std::runtime_error);
  EXPECT_THROW(finish(fail_after_value()), std::logic_error);
  EXPECT_THROW(finish(fail_strangely()), int);
  EXPECT_EQ(finish(recover(fail())), "no");
  EXPECT_EQ(finish(recover(fail_later())), "no");
  EXPECT_EQ(finish(recover(fail_after_value())), "destructor");
  EXPECT_EQ(finish(recover(fail_strangely())), "strange");
}

Task<int> count_failing_leaves() {
  int caught = 0;
  for (int at : {0, 1, 5}) {
    try {
      co_await Throws(std::runtime_error("leaf"), at);
    } catch (const std::runtime_error&) {
      ++caught;
    }
    try {
      co_await Throws(7, at);
    } catch (int seven) {
      caught += seven == 7;
    }
  }
  co_return caught;
}

// D2
TEST(Task, ExceptionOfALeafIsThrownAtItsAwait) {
  EXPECT_EQ(finish(count_failing_leaves()), 6);
}

struct ThrowsWhenMoved {
  explicit ThrowsWhenMoved(int) {}
  ThrowsWhenMoved(ThrowsWhenMoved&& other) : moves(other.moves + 1) {
    if (moves > 1) throw std::runtime_error("moved");
  }
  int moves = 0;
};

Task<ThrowsWhenMoved> delicate() { co_return ThrowsWhenMoved(1); }
Task<bool> await_delicate() {
  bool caught = false;
  try {
    co_await delicate();
  } catch (const std::runtime_error&) {
    caught = true;
  }
  co_return caught;
}

// D2
TEST(Task, ResultMayThrowWhenItIsMoved) {
  EXPECT_TRUE(finish(await_delicate()));
}

// Ends.

Task<> hold(Live, Event& event) { co_await event.wait(); }
Task<> hold_deep(int depth, int& live, Event& event) {
  Live mine(live);
  if (depth == 0) {
    co_await hold(mine, event);
  } else {
    co_await hold_deep(depth - 1, live, event);
  }
}

TEST(Task, DroppedBeforeTheStartDestroysItsParametersOnce) {
  int live = 0;
  Event event;
  { Task<> task = hold(Live(live), event); }
  EXPECT_EQ(live, 0);
}

TEST(Task, DroppedWhileSuspendedDestroysEveryFrame) {
  WakeCounter waker;
  int live = 0;
  Event event;
  {
    Task<> task = hold_deep(20, live, event);
    EXPECT_TRUE(task.poll(waker.context()).is_pending());
    EXPECT_GE(live, 22);
    EXPECT_EQ(event.waits(), 1);
  }
  EXPECT_EQ(live, 0);
  EXPECT_EQ(event.waits(), 0);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

class Note {
 public:
  Note(std::vector<int>& notes, int number) : notes_(notes), number_(number) {}
  Note(const Note&) = delete;
  ~Note() { notes_.push_back(number_); }

 private:
  std::vector<int>& notes_;
  int number_;
};

Task<> noted(std::vector<int>& notes, int depth, Event& event) {
  Note note(notes, depth);
  if (depth == 3) {
    co_await event.wait();
  } else {
    co_await noted(notes, depth + 1, event);
  }
}

TEST(Task, DropDestroysTheInnermostFrameFirst) {
  WakeCounter waker;
  std::vector<int> notes;
  Event event;
  {
    Task<> task = noted(notes, 0, event);
    EXPECT_TRUE(task.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(notes, (std::vector<int>{3, 2, 1, 0}));
}

TEST(Task, AssignmentEndsWhatWasThere) {
  WakeCounter waker;
  int live = 0;
  Event event;
  Task<> task = hold(Live(live), event);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  task = nothing();
  EXPECT_EQ(live, 0);
  EXPECT_TRUE(task.poll(waker.context()).is_ready());
}

struct ThrowsAtItsEnd {
  explicit ThrowsAtItsEnd(bool armed) : armed(armed) {}
  ThrowsAtItsEnd(ThrowsAtItsEnd&& other) noexcept
      : armed(std::exchange(other.armed, false)) {}
  ~ThrowsAtItsEnd() noexcept(false) {
    if (armed) throw std::logic_error("result");
  }
  bool armed;
};

Task<ThrowsAtItsEnd> explosive() { co_return ThrowsAtItsEnd(true); }
Task<bool> drop_explosive() {
  bool caught = false;
  try {
    co_await explosive();
  } catch (const std::logic_error&) {
    caught = true;
  }
  co_return caught;
}

// D2
TEST(Task, ResultMayThrowFromItsDestructor) {
  EXPECT_TRUE(finish(drop_explosive()));
}

// Budget.

TEST(Task, BudgetIsHandedDownAndSpentTogether) {
  class Greedy {
   public:
    using Output = void;
    Greedy() {}
    Poll<void> poll(Context& cx) {
      if (!cx.has_budget()) return cx.yield();
      cx.spend();
      return kReady;
    }
  };
  struct Loop {
    static Task<> step(int& steps) {
      co_await Greedy();
      ++steps;
    }
    static Task<> run(int& steps) {
      for (;;) co_await step(steps);
    }
  };
  WakeCounter waker;
  int steps = 0;
  Task<> task = Loop::run(steps);
  for (int polls = 1; polls <= 3; ++polls) {
    Context& cx = waker.context(/*budget=*/10);
    EXPECT_TRUE(task.poll(cx).is_pending());
    EXPECT_TRUE(cx.wake_requested());
    EXPECT_EQ(steps, 10 * polls);
  }
}

// Misuse.

Task<int> await_by_value(Task<int> task) { co_return co_await std::move(task); }

TEST(TaskDeathTest, AwaitingAStartedTaskByValueNamesTheRemedy) {
  WakeCounter waker;
  Event first, second;
  Task<int> task = wait_twice(first, second);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  EXPECT_DEATH((void)finish(await_by_value(std::move(task))),
               "await it by reference");
}

#ifndef NDEBUG
// D5
TEST(TaskDeathTest, PollAfterReadyIsMisuse) {
  WakeCounter waker;
  Task<int> task = answer();
  EXPECT_TRUE(task.poll(waker.context()).is_ready());
  EXPECT_DEATH((void)task.poll(waker.context()), "after it was ready");
}
#endif

}  // namespace
}  // namespace eddy
