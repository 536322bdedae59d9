// fork_join() on every flavor: what it gives, throws, waits for and leaves.

#include "runtime/fork_join/fork_join.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/combinators/join.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "sync/event.h"
#include "sync/oneshot.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

// Counts how many of them live.
class Live {
 public:
  explicit Live(std::atomic<int>& count) : count_(&count) { ++*count_; }
  Live(const Live& other) : Live(*other.count_) {}
  Live& operator=(const Live&) = delete;
  ~Live() { --*count_; }

 private:
  std::atomic<int>* count_;
};

Task<int> give(int value) { co_return value; }
Task<std::string> echo(std::string text) { co_return text; }
Task<> do_nothing() { co_return; }

Task<long> fib(int n) {
  if (n < 2) co_return n;
  auto [a, b] = co_await fork_join(fib(n - 1), fib(n - 2));
  co_return a + b;
}

class ForkJoinTest : public testing::FlavorTest {
 protected:
  // In a task, and in block_on() itself: there are cores around the one, and
  // around the other only on the current-thread flavor.
  template <class Make>
  void everywhere(Make make) {
    runtime().block_on(make());
    auto handle = runtime().spawn(make());
    runtime().block_on(std::move(handle)).value();
  }
};
EDDY_FOR_EACH_FLAVOR(ForkJoinTest);

TEST_P(ForkJoinTest, GivesATupleOfTheValues) {
  everywhere([]() -> Task<> {
    auto [a, b, c] = co_await fork_join(give(1), do_nothing(), echo("three"));
    static_assert(std::is_same_v<decltype(b), std::monostate>);
    EXPECT_EQ(a, 1);
    EXPECT_EQ(c, "three");
  });
}

TEST_P(ForkJoinTest, OfOneChild) {
  everywhere([]() -> Task<> {
    const std::tuple<int> values = co_await fork_join(give(7));
    EXPECT_EQ(std::get<0>(values), 7);
  });
}

TEST_P(ForkJoinTest, OfMoveOnlyValuesAndReferences) {
  everywhere([]() -> Task<> {
    int place = 1;
    auto own = []() -> Task<std::unique_ptr<int>> {
      co_return std::make_unique<int>(2);
    };
    auto refer = [](int& place) -> Task<int&> { co_return place; };
    auto [owned, referred] = co_await fork_join(own(), refer(place));
    EXPECT_EQ(*owned, 2);
    static_assert(
        std::is_same_v<decltype(referred), std::reference_wrapper<int>>);
    EXPECT_EQ(&referred.get(), &place);
  });
}

TEST_P(ForkJoinTest, Nests) {
  everywhere([]() -> Task<> { EXPECT_EQ(co_await fib(18), 2584); });
}

TEST_P(ForkJoinTest, TheFirstExceptionWinsWhenAllHaveEnded) {
  std::atomic<int> ended{0};
  everywhere([&]() -> Task<> {
    ended = 0;
    sync::Event thrown;
    struct Children {
      static Task<> throw_now(sync::Event& thrown) {
        struct AtEnd {
          sync::Event& thrown;
          ~AtEnd() { thrown.set(); }
        } at_end{thrown};
        throw std::runtime_error("first");
        co_return;
      }
      static Task<> throw_later(sync::Event& thrown) {
        co_await thrown.wait();
        for (int i = 0; i < 10; ++i) co_await yield_now();
        throw std::logic_error("second");
      }
      static Task<> go_on(sync::Event& thrown, std::atomic<int>& ended) {
        co_await thrown.wait();
        for (int i = 0; i < 10; ++i) co_await yield_now();
        ++ended;
      }
    };
    try {
      co_await fork_join(Children::throw_now(thrown),
                         Children::throw_later(thrown),
                         Children::go_on(thrown, ended));
      ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "first");
    } catch (const std::logic_error&) {
      // With two workers the event is set, and may be seen, before the first
      // exception has left its child.
      EXPECT_GT(workers(), 1u);
    }
    EXPECT_EQ(ended, 1);
  });
}

TEST_P(ForkJoinTest, ChildrenAwaitTimersAndChannels) {
  everywhere([]() -> Task<> {
    struct Children {
      static Task<int> sleep() {
        co_await time::sleep(1ms);
        co_return 1;
      }
      static Task<int> receive(sync::oneshot::Receiver<int> receiver) {
        co_return (co_await receiver).value_or(0);
      }
      static Task<int> send(sync::oneshot::Sender<int> sender) {
        co_await yield_now();
        EXPECT_TRUE(std::move(sender).send(2));
        co_return 3;
      }
    };
    auto [sender, receiver] = sync::oneshot::create<int>();
    auto [a, b, c] = co_await fork_join(Children::sleep(),
                                        Children::receive(std::move(receiver)),
                                        Children::send(std::move(sender)));
    EXPECT_EQ(a + b + c, 6);
  });
}

TEST_P(ForkJoinTest, InsideOfJoinSelectAndTimeout) {
  everywhere([]() -> Task<> {
    auto [left, right] =
        co_await join(fork_join(give(1), give(2)), fork_join(fib(10), give(4)));
    EXPECT_EQ(left, std::tuple(1, 2));
    EXPECT_EQ(right, std::tuple(55L, 4));
    auto first = co_await select(fork_join(give(1), fib(10)), time::sleep(1h));
    EXPECT_EQ(std::get<0>(first), std::tuple(1, 55L));
    auto limited = co_await time::timeout(1h, fork_join(give(3), give(4)));
    EXPECT_EQ(limited.value(), std::tuple(3, 4));
  });
}

TEST_P(ForkJoinTest, DroppedByATimeoutDestroysItsChildren) {
  std::atomic<int> live{0};
  everywhere([&]() -> Task<> {
    struct Children {
      static Task<> hold(Live) { co_await time::sleep(1h); }
      static Task<> nest(Live live) {
        co_await fork_join(hold(live), hold(live), hold(live));
      }
    };
    const absl::Status status =
        (co_await time::timeout(
             2ms, fork_join(Children::hold(Live(live)),
                            Children::nest(Live(live)), do_nothing())))
            .status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_EQ(live, 0);
  });
}

TEST_P(ForkJoinTest, DroppedBeforeItsFirstPollRunsNothing) {
  std::atomic<int> live{0};
  everywhere([&]() -> Task<> {
    auto hold = [](Live) -> Task<> { co_return; };
    {
      auto never = fork_join(hold(Live(live)), hold(Live(live)));
      auto moved = std::move(never);
      EXPECT_EQ(live, 2);
    }
    EXPECT_EQ(live, 0);
    co_return;
  });
}

TEST_P(ForkJoinTest, AwaitedAgainByAnotherTask) {
  sync::Event begun, go_on;
  auto wait = [](sync::Event& begun, sync::Event& go_on) -> Task<int> {
    begun.set();
    co_await go_on.wait();
    co_return 1;
  };
  auto both = fork_join(wait(begun, go_on), wait(begun, go_on));
  // Polled until it waits, with the waker of this thread.
  runtime().block_on(select_biased(both, begun.wait()));
  auto task = runtime().spawn([&]() -> Task<int> {
    auto [a, b] = co_await both;
    co_return a + b;
  });
  auto set_later = [&]() -> Task<> {
    for (int i = 0; i < 100; ++i) co_await yield_now();
    go_on.set();
  };
  auto setter = runtime().spawn(set_later());
  EXPECT_EQ(runtime().block_on(std::move(task)).value(), 2);
  runtime().block_on(std::move(setter)).value();
}

TEST_P(ForkJoinTest, AbortedWithItsTask) {
  std::atomic<int> live{0};
  sync::Event begun;
  struct Children {
    static Task<> hold(Live, sync::Event& begun) {
      begun.set();
      co_await time::sleep(1h);
    }
    static Task<> fork(std::atomic<int>& live, sync::Event& begun) {
      co_await fork_join(hold(Live(live), begun), hold(Live(live), begun));
    }
  };
  auto task = runtime().spawn(Children::fork(live, begun));
  runtime().block_on(begun.wait());
  task.abort();
  EXPECT_TRUE(runtime().block_on(std::move(task)).is_cancelled());
  EXPECT_EQ(live, 0);
}

TEST_P(ForkJoinTest, EndsWithTheRuntime) {
  std::atomic<int> live{0};
  {
    Runtime& runtime = start(builder());
    sync::Event begun;
    struct Children {
      static Task<> hold(Live, sync::Event& begun) {
        begun.set();
        for (;;) co_await yield_now();
      }
      static Task<> nest(Live live, sync::Event& begun) {
        co_await fork_join(hold(live, begun), hold(live, begun));
      }
      static Task<> fork(std::atomic<int>& live, sync::Event& begun) {
        co_await fork_join(hold(Live(live), begun), nest(Live(live), begun));
      }
    };
    auto task = runtime.spawn(Children::fork(live, begun));
    runtime.block_on(begun.wait());
    stop(runtime);
  }
  EXPECT_EQ(live, 0);
}

// A fifth of it with ThreadSanitizer, with which all takes 3 to 4.5 s on each
// flavor.
TEST_P(ForkJoinTest, NestsDeeply) {
  static constexpr int kDeep = EDDY_TSAN ? 20'000 : 100'000;
  struct Nest {
    static Task<int> of(int depth) {
      if (depth == 0) co_return 0;
      auto [below, one] = co_await fork_join(of(depth - 1), give(1));
      co_return below + one;
    }
  };
  everywhere([]() -> Task<> { EXPECT_EQ(co_await Nest::of(kDeep), kDeep); });
}

TEST_P(ForkJoinTest, OverAndOverInOneTask) {
  everywhere([]() -> Task<> {
    long sum = 0;
    for (int i = 0; i < 20'000; ++i) {
      auto [a, b] = co_await fork_join(give(1), give(1));
      sum += a + b;
    }
    EXPECT_EQ(sum, 40'000);
  });
}

// H1: a poll that forks ends its slice when other tasks wait. Were it not so,
// this would never end: the computation goes on until the sleeper is through.
TEST_P(ForkJoinTest, ATaskBesideAComputationIsPolled) {
  std::atomic<bool> is_over{false};
  auto compute = [&]() -> Task<> {
    while (!is_over) EXPECT_EQ(co_await fib(16), 987);
  };
  std::vector<JoinHandle<void>> computations;
  for (uint32_t i = 0; i < std::max(workers(), 1u); ++i) {
    computations.push_back(runtime().spawn(compute()));
  }
  auto sleep = [&]() -> Task<> {
    auto longest = std::chrono::nanoseconds(0);
    for (int i = 0; i < 50; ++i) {
      const auto before = std::chrono::steady_clock::now();
      co_await time::sleep(1ms);
      longest = std::max(longest, std::chrono::steady_clock::now() - before);
    }
    is_over = true;
    std::cerr << "the longest sleep of 1 ms took " << longest.count() / 1000
              << " us\n";
  };
  auto sleeper = runtime().spawn(sleep());
  runtime().block_on(std::move(sleeper)).value();
  for (auto& computation : computations) {
    runtime().block_on(std::move(computation)).value();
  }
}

TEST_P(ForkJoinTest, ChildrenBelongToTheTaskThatForked) {
  auto task = runtime().spawn([]() -> Task<> {
    const TaskId own = this_task::id();
    auto look = [](TaskId own) -> Task<bool> {
      bool same = this_task::id() == own;
      co_await yield_now();
      co_return same&& this_task::id() == own;
    };
    auto [a, b, c] = co_await fork_join(look(own), look(own), look(own));
    EXPECT_TRUE(a && b && c);
  });
  runtime().block_on(std::move(task)).value();
}

}  // namespace
}  // namespace eddy
