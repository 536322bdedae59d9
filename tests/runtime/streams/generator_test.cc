#include "runtime/streams/generator.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/streams/consume.h"
#include "runtime/streams/slice.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::as_task;
using testing::Manual;
using testing::Script;
using testing::WakeCounter;

Generator<int> count_to(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
}

TEST(Generator, GivesItsItemsAndThenTheEnd) {
  WakeCounter waker;
  Generator<int> numbers = count_to(2);
  EXPECT_EQ(**numbers.next().poll(waker.context()), 1);
  EXPECT_EQ(**numbers.next().poll(waker.context()), 2);
  EXPECT_FALSE(numbers.next().poll(waker.context())->has_value());
  EXPECT_FALSE(numbers.next().poll(waker.context())->has_value());
}

Generator<std::unique_ptr<int>> boxes(Script* a, Script* b) {
  co_yield std::make_unique<int>(co_await Manual(*a));
  auto box = std::make_unique<int>(co_await as_task(b));
  co_yield std::move(box);
  co_await yield_now();
}

// D5
TEST(Generator, MayAwaitBetweenItsItems) {
  WakeCounter waker;
  Script a, b;
  Generator<std::unique_ptr<int>> items = boxes(&a, &b);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  }
  a.finish(1);
  EXPECT_EQ(***items.poll_next(waker.context()), 1);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  auto moved = std::move(items);
  EXPECT_TRUE(moved.poll_next(waker.context()).is_pending());
  b.finish(2);
  EXPECT_EQ(***moved.poll_next(waker.context()), 2);
  Context& cx = waker.context();
  EXPECT_TRUE(moved.poll_next(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_FALSE(moved.poll_next(waker.context())->has_value());
}

struct Local {
  explicit Local(int& live) : live(live) { ++live; }
  Local(const Local&) = delete;
  ~Local() { --live; }
  int& live;
};

Task<> wait_for(Script* script, int* live) {
  Local local(*live);
  co_await Manual(*script);
}
Generator<int> with_locals(Script* script, int* live) {
  Local local(*live);
  co_yield 1;
  co_await wait_for(script, live);
  co_yield 2;
}

// D4: at a co_yield, at a co_await of a child, before the start, at the end.
TEST(Generator, DroppedAtEveryStageDestroysItsLocals) {
  for (int stage = 0; stage <= 4; ++stage) {
    WakeCounter waker;
    Script script;
    int live = 0;
    {
      Generator<int> items = with_locals(&script, &live);
      if (stage >= 1) (void)items.poll_next(waker.context());
      if (stage >= 2) (void)items.poll_next(waker.context());
      EXPECT_EQ(live, std::min(stage, 2));
      if (stage >= 3) script.finish(0);
      if (stage >= 3) {
        EXPECT_EQ(**items.poll_next(waker.context()), 2);
      }
      if (stage >= 4) {
        EXPECT_FALSE(items.poll_next(waker.context())->has_value());
        EXPECT_EQ(live, 0);
      }
    }
    EXPECT_EQ(live, 0);
    EXPECT_EQ(waker.kept_wakers(), 0);
  }
}

Generator<int> fails_after(int count) {
  for (int i = 0; i < count; ++i) co_yield i;
  throw std::runtime_error("failed");
}

// D2
TEST(Generator, AnExceptionGoesToTheAwaiterAndEndsIt) {
  WakeCounter waker;
  Generator<int> items = fails_after(1);
  EXPECT_EQ(**items.poll_next(waker.context()), 0);
  EXPECT_THROW((void)items.poll_next(waker.context()), std::runtime_error);
  EXPECT_FALSE(items.poll_next(waker.context())->has_value());
}

Generator<int> catches(Script* script) {
  try {
    co_await Manual(*script);
  } catch (const std::runtime_error&) {
  }
  co_yield -1;
}

// D2
TEST(Generator, MayCatchWhatItsLeafThrows) {
  WakeCounter waker;
  Script script;
  Generator<int> items = catches(&script);
  EXPECT_TRUE(items.poll_next(waker.context()).is_pending());
  script.fail();
  EXPECT_EQ(**items.poll_next(waker.context()), -1);
}

Task<long> add_up(Generator<int> numbers) {
  long sum = 0;
  while (std::optional<int> number = co_await numbers.next()) sum += *number;
  co_return sum;
}
Task<long> add_up_pipe(int last) {
  std::vector<int> all = co_await streams::collect(
      count_to(last) | streams::skip(1) | streams::take(last));
  co_return static_cast<long>(all.size());
}

template <class T>
T finish(Task<T> task) {
  WakeCounter waker;
  for (;;) {
    auto result = task.poll(waker.context());
    if (result.is_ready()) return *result;
  }
}

#ifdef NDEBUG
constexpr int kMany = 10'000'000;
#else
constexpr int kMany = 1'000'000;
#endif

// In one poll, in all build modes.
TEST(Generator, MillionsOfReadyItemsNeedNoStack) {
  WakeCounter waker;
  Task<long> task = add_up(count_to(kMany));
  auto sum = task.poll(waker.context(/*budget=*/UINT32_MAX));
  ASSERT_TRUE(sum.is_ready());
  EXPECT_EQ(*sum, kMany * (kMany + 1L) / 2);
}

// H1
TEST(Generator, ReadyItemsSpendTheBudget) {
  WakeCounter waker;
  Task<long> task = add_up(count_to(1'000));
  Context& cx = waker.context();
  EXPECT_TRUE(task.poll(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
  EXPECT_EQ(finish(add_up_pipe(1'000)), 999);
}

Generator<int> nested(int depth) {
  if (depth == 0) co_return;
  co_yield depth;
  Generator<int> rest = nested(depth - 1);
  while (std::optional<int> item = co_await rest.next()) co_yield *item;
}

TEST(Generator, MayReadAnother) { EXPECT_EQ(finish(add_up(nested(20))), 210); }

// The trap of GCC 12: what is yielded, and awaited, are temporaries.
Generator<std::string> texts(Script* script) {
  co_yield std::string(100, 'a') + std::to_string(co_await Manual(*script));
}
Task<std::string> first_text(Script* script) {
  co_return (co_await texts(script).next()).value();
}
TEST(Generator, TemporariesAreDestroyedOnce) {
  WakeCounter waker;
  Script script;
  Task<std::string> task = first_text(&script);
  EXPECT_TRUE(task.poll(waker.context()).is_pending());
  script.finish(7);
  EXPECT_EQ((*task.poll(waker.context())).size(), 101u);
}

}  // namespace
}  // namespace eddy
