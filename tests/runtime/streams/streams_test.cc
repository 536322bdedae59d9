#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/streams/combine.h"
#include "runtime/streams/consume.h"
#include "runtime/streams/slice.h"
#include "runtime/streams/sources.h"
#include "runtime/streams/transform.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/runtime/combinators/manual_future.h"
#include "tests/support/wake_counter.h"

namespace eddy::streams {
namespace {

using testing::Manual;
using testing::Script;
using testing::WakeCounter;
using Ints = std::vector<int>;

// Polls to the end a stream that never waits.
template <Stream S>
std::vector<ItemOf<S>> all_of(S&& stream) {
  WakeCounter waker;
  auto all = collect(std::forward<S>(stream));
  for (;;) {
    Context& cx = waker.context();
    auto result = all.poll(cx);
    if (result.is_ready()) return *std::move(result);
    EXPECT_TRUE(cx.wake_requested());
  }
}

// A stream that the test feeds.
class Fed : public StreamBase<Fed> {
 public:
  using Item = int;
  explicit Fed(std::vector<Script>& scripts) : scripts_(&scripts) {}
  PollNext<int> poll_next(Context& cx) {
    if (next_ == scripts_->size()) return std::nullopt;
    Script& script = (*scripts_)[next_];
    ++script.polls;
    if (script.fails) {
      ++next_;
      throw std::runtime_error("scripted");
    }
    if (!script.value.has_value()) {
      script.waker = cx.waker();
      return kPending;
    }
    ++next_;
    return std::optional(*script.value);
  }

 private:
  std::vector<Script>* scripts_;
  size_t next_ = 0;
};
static_assert(Stream<Fed> && Stream<Fed&> && !Stream<int>);

bool is_even(const int& i) { return i % 2 == 0; }
int square(int i) { return i * i; }

TEST(Streams, Transform) {
  EXPECT_EQ(all_of(items(Ints{1, 2, 3}) | map(square)), (Ints{1, 4, 9}));
  EXPECT_EQ(all_of(items(Ints{1, 2, 3, 4}) | filter(is_even)), (Ints{2, 4}));
  EXPECT_EQ(all_of(items(Ints{1, 2, 3}) | filter_map([](int i) {
                     return i == 2 ? std::nullopt : std::optional(i + 0.5);
                   })),
            (std::vector<double>{1.5, 3.5}));
  using Numbered = std::pair<size_t, int>;
  EXPECT_EQ(all_of(items(Ints{7, 8}) | enumerate()),
            (std::vector{Numbered(0, 7), Numbered(1, 8)}));
}

TEST(Streams, Slice) {
  const auto numbers = [] { return items(Ints{1, 2, 3, 4, 5}); };
  EXPECT_EQ(all_of(numbers() | take(2)), (Ints{1, 2}));
  EXPECT_EQ(all_of(numbers() | take(0)), Ints());
  EXPECT_EQ(all_of(numbers() | take(9)), (Ints{1, 2, 3, 4, 5}));
  EXPECT_EQ(all_of(numbers() | skip(3)), (Ints{4, 5}));
  EXPECT_EQ(all_of(numbers() | skip(9)), Ints());
  const auto small = [](const int& i) { return i % 4 < 3 && i != 4; };
  EXPECT_EQ(all_of(numbers() | take_while(small)), (Ints{1, 2}));
  EXPECT_EQ(all_of(numbers() | skip_while(small)), (Ints{3, 4, 5}));
  EXPECT_EQ(all_of(numbers() | chunks(2)),
            (std::vector<Ints>{{1, 2}, {3, 4}, {5}}));
}

TEST(Streams, Combine) {
  EXPECT_EQ(all_of(items(Ints{1, 2}) | chain(items(Ints{3}))), (Ints{1, 2, 3}));
  using Pair = std::pair<int, std::string>;
  EXPECT_EQ(all_of(items(Ints{1, 2, 3}) |
                   zip(items(std::vector<std::string>{"a", "b"}))),
            (std::vector{Pair(1, "a"), Pair(2, "b")}));
  EXPECT_EQ(all_of(items(Ints{1, 2, 3}) | merge(items(Ints{7}))),
            (Ints{1, 7, 2, 3}));
}

TEST(Streams, AStreamByLvalueGoesOnAfterwards) {
  Ints source{1, 2, 3, 4};
  auto numbers = items(source);
  EXPECT_EQ(all_of(numbers | take(1)), (Ints{1}));
  EXPECT_EQ(all_of(numbers | map(square) | take(2)), (Ints{4, 9}));
  EXPECT_EQ(all_of(numbers), (Ints{4}));
  EXPECT_EQ(source.size(), 4u) << "elements of a range by lvalue are copied";
}

TEST(Streams, ItemsMayBeMoveOnly) {
  std::vector<std::unique_ptr<int>> boxes;
  for (int i : {1, 2}) boxes.push_back(std::make_unique<int>(i));
  auto opened =
      items(std::move(boxes)) |
      filter([](const std::unique_ptr<int>& box) { return *box > 1; }) |
      chunks(3);
  EXPECT_EQ(*all_of(std::move(opened)).at(0).at(0), 2);
}

TEST(Streams, ConsumeToTheEnd) {
  WakeCounter waker;
  Ints seen;
  auto all = for_each(items(Ints{1, 2}), [&](int i) { seen.push_back(i); });
  EXPECT_TRUE(all.poll(waker.context()).is_ready());
  EXPECT_EQ(seen, (Ints{1, 2}));
  EXPECT_EQ(
      *fold(items(Ints{1, 2, 3}), 10, std::plus<>()).poll(waker.context()), 16);
}

// A lambda that is a coroutine dies before its frame, unless it is kept.
TEST(Streams, ThenKeepsTheCallableAndRunsOneAtATime) {
  int running = 0, most = 0;
  auto count = [&, box = std::make_shared<int>(1)](int i) -> Task<int> {
    most = std::max(most, ++running);
    co_await yield_now();
    --running;
    co_return i + *box;
  };
  EXPECT_EQ(all_of(items(Ints{1, 2, 3}) | then(count)), (Ints{2, 3, 4}));
  EXPECT_EQ(most, 1);
  WakeCounter waker;
  auto all = for_each(items(Ints{1, 2}), [&](int i) -> Task<> {
    co_await yield_now();
    running += i;
  });
  while (all.poll(waker.context()).is_pending()) {
  }
  EXPECT_EQ(running, 3);
}

TEST(Streams, RepeatEndsWhereTheFutureSaysSo) {
  int left = 3;
  EXPECT_EQ(all_of(repeat([&]() -> Task<std::optional<int>> {
              co_await yield_now();
              co_return left > 0 ? std::optional(left--) : std::nullopt;
            })),
            (Ints{3, 2, 1}));
  EXPECT_EQ(all_of(repeat([]() -> Task<int> { co_return 1; }) | take(2)),
            (Ints{1, 1}));
}

// What a watch::Receiver is to a stream.
struct Watched {
  Task<bool> changed() {
    co_await yield_now();
    co_return left-- > 0;
  }
  int borrow_and_update() { return left; }
  int left = 2;
};

TEST(Streams, ChangesOfAWatch) {
  EXPECT_EQ(all_of(changes(Watched())), (Ints{1, 0}));
  Watched watched;
  EXPECT_EQ(all_of(changes(watched)), (Ints{1, 0}));
  EXPECT_EQ(watched.left, -1);
}

// H1: one that is always ready spends the budget.
TEST(Streams, WhatIsAlwaysThereLetsOthersRun) {
  WakeCounter waker;
  Ints many(1'000);
  auto all = items(many) | filter([](const int& i) { return i != 0; });
  Context& cx = waker.context();
  EXPECT_TRUE(all.poll_next(cx).is_pending());
  EXPECT_TRUE(cx.wake_requested());
}

// H1
TEST(Streams, MergeTakesTurns) {
  Ints ones(100, 1), twos(100, 2);
  Ints merged = all_of(items(ones) | merge(items(twos)) | take(10));
  EXPECT_EQ(std::count(merged.begin(), merged.end(), 1), 5);
}

TEST(Streams, MergeWaitsForBoth) {
  WakeCounter waker;
  std::vector<Script> a(1), b(2);
  auto both = Fed(a) | merge(Fed(b));
  EXPECT_TRUE(both.poll_next(waker.context()).is_pending());
  b[0].finish(1);
  EXPECT_EQ(**both.poll_next(waker.context()), 1);
  EXPECT_TRUE(both.poll_next(waker.context()).is_pending());
  a[0].finish(2);
  EXPECT_EQ(**both.poll_next(waker.context()), 2);
  EXPECT_TRUE(both.poll_next(waker.context()).is_pending());
  b[1].finish(3);
  EXPECT_EQ(**both.poll_next(waker.context()), 3);
  EXPECT_FALSE(both.poll_next(waker.context())->has_value());
}

// D4, D5
TEST(Streams, ADroppedNextLosesNothing) {
  WakeCounter waker;
  std::vector<Script> a(2), b(2);
  auto pairs = Fed(a) | zip(Fed(b)) | map([](std::pair<int, int> pair) {
                 return pair.first * 10 + pair.second;
               });
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_TRUE(pairs.next().poll(waker.context()).is_pending());
  }
  a[0].finish(1);
  EXPECT_TRUE(pairs.next().poll(waker.context()).is_pending());
  b[0].finish(2);
  auto item = pairs.next();
  EXPECT_EQ(**item.poll(waker.context()), 12);
}

// D4: dropped while a future of then() is pending.
TEST(Streams, DroppedInTheMidstDestroysTheFuture) {
  WakeCounter waker;
  Script script;
  {
    auto all = items(Ints{1}) | then([&](int) { return Manual(script); });
    EXPECT_TRUE(all.poll_next(waker.context()).is_pending());
  }
  EXPECT_TRUE(script.dead);
  EXPECT_EQ(waker.kept_wakers(), 0);
}

// D2
TEST(Streams, AnExceptionLosesItsItemAlone) {
  WakeCounter waker;
  std::vector<Script> scripts(3);
  for (Script& script : scripts) script.value = 1;
  scripts[1].fails = true;
  auto all = Fed(scripts) | then([](int i) -> Task<int> {
               if (i > 5) throw std::runtime_error("large");
               co_return i;
             });
  EXPECT_EQ(**all.poll_next(waker.context()), 1);
  EXPECT_THROW((void)all.poll_next(waker.context()), std::runtime_error);
  scripts[2].value = 6;
  EXPECT_THROW((void)all.poll_next(waker.context()), std::runtime_error);
  EXPECT_FALSE(all.poll_next(waker.context())->has_value());
}

TEST(StreamsDeathTest, Misuse) {
  EXPECT_DEATH((void)(items(Ints()) | chunks(0)), "greater than zero");
  WakeCounter waker;
  auto polled = items(Ints{1, 2});
  EXPECT_EQ(**polled.poll_next(waker.context()), 1);
  EXPECT_DEATH((void)(std::move(polled) | take(1)), "after the first poll");
}

}  // namespace
}  // namespace eddy::streams
