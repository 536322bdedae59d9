// The traps of coroutines in C++20 that eddy's design has to avoid, one
// regression test each. Depth has tests of its own, in cursor_test.cc.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/context/current.h"
#include "runtime/task/callable.h"
#include "runtime/task/cell.h"
#include "runtime/task/frame_pool.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/runtime/task/leaves.h"
#include "tests/support/manual_scheduler.h"
#include "tests/support/wake_counter.h"

namespace eddy {
namespace {

using testing::Event;
using testing::Live;
using testing::ManualScheduler;
using testing::ReadyNow;
using testing::WakeCounter;
using testing::Yields;

// GCC 12 destroys an aggregate with a non-trivial member twice if it is a
// temporary inside of a co_await expression: the memory of its members is freed
// and then used, which AddressSanitizer reports. (Clang, and GCC where the type
// has a constructor of its own, destroy it once.) So nothing of ours that may
// stand there is an aggregate; users' futures have to declare a constructor
// too, as future.h says.
static_assert(!std::is_aggregate_v<Task<int>>);
static_assert(!std::is_aggregate_v<Task<>>);
static_assert(!std::is_aggregate_v<task::LeafAwaiter<ReadyNow<int>>>);
static_assert(!std::is_aggregate_v<task::CallAwaiter<int>>);
static_assert(!std::is_aggregate_v<task::CallAwaiter<void>>);
static_assert(!std::is_aggregate_v<task::PromiseBase::Final>);
static_assert(!std::is_aggregate_v<YieldNow>);
static_assert(!std::is_aggregate_v<JoinHandle<int>>);
static_assert(!std::is_aggregate_v<JoinResult<int>>);
static_assert(!std::is_aggregate_v<AbortHandle>);

class LeafWithResources {
 public:
  using Output = std::string;
  LeafWithResources(std::string text, Live live)
      : text_(std::make_shared<std::string>(std::move(text))), live_(live) {}
  Poll<std::string> poll(Context& cx) {
    if (!std::exchange(polled_, true)) return cx.yield();
    return *text_;
  }

 private:
  std::shared_ptr<std::string> text_;
  Live live_;
  bool polled_ = false;
};

Task<std::string> task_with_resources(std::string text, Live) {
  co_await Yields(1);
  co_return text;
}

Task<std::string> await_temporaries(int& live) {
  std::string text = co_await LeafWithResources(
      "a text that is too long for the small string", Live(live));
  text += co_await task_with_resources(
      "and another one that is too long for it", Live(live));
  co_return text;
}

TEST(Traps, TemporaryInACoAwaitIsDestroyedOnce) {
  int live = 0;
  ManualScheduler scheduler;
  WakeCounter waker;
  auto handle = task::launch(scheduler, await_temporaries(live));
  scheduler.run();
  EXPECT_EQ(live, 0);
  auto result = handle.poll(waker.context());
  EXPECT_EQ((*std::move(result)).value().size(), 83u);
}

// g++ 12 does not compile `co_await std::move(x)` where await_transform hands
// on an awaiter that cannot be moved; ours are made in place.
class Immovable {
 public:
  using Output = int;
  explicit Immovable(int value) : value_(value) {}
  Immovable(const Immovable&) = delete;
  Immovable& operator=(const Immovable&) = delete;
  Poll<int> poll(Context& cx) {
    if (!std::exchange(polled_, true)) return cx.yield();
    return value_;
  }

 private:
  int value_;
  bool polled_ = false;
};

Immovable make_immovable(int value) { return Immovable(value); }

Task<int> await_immovable() {
  Immovable by_reference(1), by_move(2);
  const int a = co_await by_reference;
  const int b = co_await std::move(by_move);
  const int c = co_await Immovable(3);
  const int d = co_await make_immovable(4);
  co_return 1000 * a + 100 * b + 10 * c + d;
}

TEST(Traps, ImmovableFuturesMayBeAwaited) {
  ManualScheduler scheduler;
  WakeCounter waker;
  auto handle = task::launch(scheduler, await_immovable());
  scheduler.run();
  auto result = handle.poll(waker.context());
  EXPECT_EQ((*std::move(result)).value(), 1234);
}

// g++ copies what await_transform returns by reference; and an awaiter of ours
// is registered by its address.
static_assert(!std::is_move_constructible_v<task::LeafAwaiter<Immovable>>);
static_assert(!std::is_move_constructible_v<task::CallAwaiter<int>>);

// Symmetric transfer is a tail call only where the compiler makes it one, so
// eddy does not use it: also where leaf and child alternate, in a child.
Task<int> alternate(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; ++i) {
    sum += co_await ReadyNow<int>(1);
    sum += co_await [](int value) -> Task<int> { co_return value; }(1);
  }
  co_return sum;
}
Task<int> call_alternate(int rounds) { co_return co_await alternate(rounds); }

TEST(Traps, SynchronousCompletionsNeedNoStack) {
  WakeCounter waker;
  Task<int> task = call_alternate(1'000'000);
  EXPECT_EQ(*task.poll(waker.context()), 2'000'000);
}

// Compilers keep the address of a thread-local across a suspension, after which
// the coroutine may run on another thread.
Task<> look_around(std::vector<context::Current*>& seen) {
  for (int i = 0; i < 4; ++i) {
    seen.push_back(&context::current());
    co_await Yields(1);
    seen.push_back(&context::current());
  }
}

TEST(Traps, ThreadLocalsAreThoseOfTheThreadThatPolls) {
  WakeCounter waker;
  std::vector<context::Current*> seen, expected;
  Task<> task = look_around(seen);
  for (bool ready = false; !ready;) {
    std::thread([&] {
      const size_t before = seen.size();
      ready = task.poll(waker.context()).is_ready();
      expected.insert(expected.end(), seen.size() - before,
                      &context::current());
    }).join();
    // Another thread lives meanwhile, so that the next one lies elsewhere.
    std::thread([&] {
      const size_t before = seen.size();
      if (!ready) ready = task.poll(waker.context()).is_ready();
      expected.insert(expected.end(), seen.size() - before,
                      &context::current());
    }).join();
    if (!ready) {
      const size_t before = seen.size();
      ready = task.poll(waker.context()).is_ready();
      expected.insert(expected.end(), seen.size() - before,
                      &context::current());
    }
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(seen.size(), 8u);
}

// The frame pool is a thread-local too: a task that allocates and frees child
// frames while it travels uses the lists of the thread that it is on.
Task<int> child(int value) {
  co_await Yields(1);
  co_return value;
}
Task<int> travel(int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; ++i) sum += co_await child(1);
  co_return sum;
}

TEST(Traps, FramesOfATravellingTaskAreTakenFromTheThreadItIsOn) {
  constexpr int kRounds = 100;
  WakeCounter waker;
  Task<int> task = travel(kRounds);
  std::optional<int> sum;
  while (!sum.has_value()) {
    std::thread([&] {
      Poll<int> poll = task.poll(waker.context());
      if (poll.is_ready()) sum = *poll;
      // Whoever wrongly has the lists of this thread frees and takes there.
      void* memory = task::frame_pool::allocate(128);
      task::frame_pool::deallocate(memory, 128);
    }).join();
  }
  EXPECT_EQ(*sum, kRounds);
}

// A capturing lambda that is a coroutine reaches its captures through the
// lambda object, so whoever starts it keeps that.
TEST(Traps, CapturingLambdaIsKeptByItsTask) {
  int live = 0;
  ManualScheduler scheduler;
  WakeCounter waker;
  auto handle = [&] {
    auto text =
        std::make_unique<std::string>("kept by the task itself, surely");
    return task::launch(
        scheduler, task::into_future([text = std::move(text),
                                      guard = Live(live)]() -> Task<size_t> {
          co_await Yields(2);
          co_return text->size();
        }));
  }();
  EXPECT_EQ(live, 1);
  scheduler.run();
  EXPECT_EQ(live, 0);
  auto result = handle.poll(waker.context());
  EXPECT_EQ((*std::move(result)).value(), 31u);
}

TEST(Traps, CapturingLambdaGoesAfterItsFrame) {
  struct Order {
    std::vector<std::string>* notes;
    std::string name;
    Order(std::vector<std::string>& notes, std::string name)
        : notes(&notes), name(std::move(name)) {}
    Order(Order&& other) noexcept
        : notes(std::exchange(other.notes, nullptr)),
          name(std::move(other.name)) {}
    ~Order() {
      if (notes != nullptr) notes->push_back(name);
    }
  };
  std::vector<std::string> notes;
  Event never;
  ManualScheduler scheduler;
  auto handle = task::launch(
      scheduler,
      task::into_future(
          [&never, &notes, capture = Order(notes, "capture")]() -> Task<> {
            Order local(notes, "local");
            co_await never.wait();
          }));
  scheduler.run();
  handle.abort();
  scheduler.run();
  EXPECT_EQ(notes, (std::vector<std::string>{"local", "capture"}));
}

// GCC 12 puts the promise of a coroutine that has no local variable, and
// co_await in the condition of an if or while, 8 bytes too far: its handle
// would be wrong, and to resume it destroy it.
Task<int> unnamed_condition() {
  if (co_await ReadyNow<bool>(true)) co_return 1;
  co_return 2;
}

Task<int> named_condition() {
  if (bool ready = co_await ReadyNow<bool>(true)) co_return ready ? 1 : 0;
  co_return 2;
}

TEST(Traps, ANamedConditionIsRight) {
  WakeCounter waker;
  EXPECT_EQ(*named_condition().poll(waker.context()), 1);
}

#if defined(__clang__) || __GNUC__ > 12
TEST(Traps, AnUnnamedConditionIsRight) {
  WakeCounter waker;
  EXPECT_EQ(*unnamed_condition().poll(waker.context()), 1);
}
#elif !defined(NDEBUG)
TEST(TrapsDeathTest, APromiseInTheWrongPlaceFailsLoudly) {
  EXPECT_DEATH((void)unnamed_condition(), "in the wrong place");
}
#else
static_assert(std::is_same_v<decltype(unnamed_condition()), Task<int>>);
#endif

}  // namespace
}  // namespace eddy
