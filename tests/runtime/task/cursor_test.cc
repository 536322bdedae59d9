// Depth and length: what the cursor and its trampoline promise in every build
// mode, also where the compiler makes no tail calls. All of it runs on a thread
// whose stack is small, so that a stack that grows ends the test.
#include "runtime/task/cursor.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>

#include "runtime/base/sanitizer.h"
#include "runtime/base/thread.h"
#include "runtime/task/task.h"
#include "tests/runtime/task/leaves.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::Live;
using testing::ReadyNow;
using testing::WakeCounter;

constexpr int kDeep = 1'000'000;
constexpr int kLong = 10'000'000;

// The sanitizers' own frames are bigger; the ratio to kDeep stays absurd.
constexpr size_t kStack = EDDY_ASAN || EDDY_TSAN ? 1 << 20 : 256 << 10;

void on_small_stack(std::function<void()> body) {
  auto thread = base::Thread::start(
      {.name = "small-stack", .stack_size = kStack}, std::move(body));
  ASSERT_TRUE(thread.ok());
  thread->join();
}

Task<int> count_down(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await count_down(n - 1);
}

TEST(Cursor, MillionNestedCalls) {
  on_small_stack([] {
    WakeCounter waker;
    Task<int> task = count_down(kDeep);
    EXPECT_EQ(*task.poll(waker.context()), kDeep);
  });
}

Task<int> dive(int n, Event& event, int& live) {
  Live mine(live);
  if (n == 0) {
    co_await event.wait();
    co_return 0;
  }
  co_return 1 + co_await dive(n - 1, event, live);
}

TEST(Cursor, SuspendsAndResumesMillionCallsDeep) {
  on_small_stack([] {
    WakeCounter waker;
    Event event;
    int live = 0;
    Task<int> task = dive(kDeep, event, live);
    for (int polls = 1; polls <= 3; ++polls) {
      EXPECT_TRUE(task.poll(waker.context()).is_pending());
      EXPECT_EQ(event.polls(), polls);
    }
    EXPECT_EQ(live, kDeep + 1);
    event.set();
    EXPECT_EQ(*task.poll(waker.context()), kDeep);
    EXPECT_EQ(live, 0);
  });
}

TEST(Cursor, DropsATaskThatIsSuspendedMillionCallsDeep) {
  on_small_stack([] {
    WakeCounter waker;
    Event event;
    int live = 0;
    {
      Task<int> task = dive(kDeep, event, live);
      EXPECT_TRUE(task.poll(waker.context()).is_pending());
      EXPECT_EQ(live, kDeep + 1);
    }
    EXPECT_EQ(live, 0);
    EXPECT_EQ(event.waits(), 0);
  });
}

Task<int> fall(int n) {
  if (n == 0) throw std::runtime_error("bottom");
  co_return 1 + co_await fall(n - 1);
}

TEST(Cursor, ExceptionPassesHundredThousandCalls) {
  on_small_stack([] {
    WakeCounter waker;
    Task<int> task = fall(kDeep / 10);
    EXPECT_THROW((void)task.poll(waker.context()), std::runtime_error);
  });
}

Task<int> one() { co_return 1; }

Task<int> call_many_children(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await one();
  co_return sum;
}

TEST(Cursor, TenMillionReadyChildren) {
  on_small_stack([] {
    WakeCounter waker;
    Task<int> task = call_many_children(kLong);
    EXPECT_EQ(*task.poll(waker.context()), kLong);
  });
}

Task<int> await_many_leaves(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) sum += co_await ReadyNow<int>(1);
  co_return sum;
}

TEST(Cursor, TenMillionReadyLeaves) {
  on_small_stack([] {
    WakeCounter waker;
    Task<int> task = await_many_leaves(kLong);
    EXPECT_EQ(*task.poll(waker.context()), kLong);
  });
}

// Below the stack limit every call goes through the trampoline, and every child
// that is ready returns through it.
Task<int> call_many_at_depth(int depth, int n) {
  if (depth == 0) co_return co_await call_many_children(n);
  co_return co_await call_many_at_depth(depth - 1, n);
}

TEST(Cursor, MillionReadyChildrenBelowTheStackLimit) {
  on_small_stack([] {
    WakeCounter waker;
    Task<int> task = call_many_at_depth(10'000, kDeep);
    EXPECT_EQ(*task.poll(waker.context()), kDeep);
  });
}

// A task whose every call goes through the trampoline behaves like any other.
Task<int> tree(int depth, Event& event) {
  if (depth == 0) {
    co_await event.wait();
    co_return 1;
  }
  const int left = co_await tree(depth - 1, event);
  co_return left + co_await tree(depth - 1, event);
}

TEST(Cursor, WorksWithoutAnyStack) {
  WakeCounter waker;
  Event event;
  Task<int> task = tree(10, event);
  Context first(waker.waker(), Context::kDefaultBudget, UINTPTR_MAX);
  EXPECT_TRUE(task.poll(first).is_pending());
  Context second(waker.waker(), Context::kDefaultBudget, UINTPTR_MAX);
  EXPECT_TRUE(task.poll(second).is_pending());
  event.set();
  Context third(waker.waker(), Context::kDefaultBudget, UINTPTR_MAX);
  EXPECT_EQ(*task.poll(third), 1024);
}

// A child that was called, but has not started, is dropped with its caller.
Task<> never_started(Live) { co_return; }
Task<> call_it(int& live) { co_await never_started(Live(live)); }
Task<> wait_then_call(Event& event, int& live) {
  co_await event.wait();
  co_await call_it(live);
}

TEST(Cursor, DropsWhatWaitsForTheTrampoline) {
  WakeCounter waker;
  Event event;
  int live = 0;
  {
    Task<> task = wait_then_call(event, live);
    EXPECT_TRUE(task.poll(waker.context()).is_pending());
  }
  EXPECT_EQ(live, 0);
  EXPECT_EQ(event.waits(), 0);
}

}  // namespace
}  // namespace eddy
