// fork_join_each() and fork_join_into() on every flavor.

#include "runtime/fork_join/fork_join_each.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/base/sanitizer.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "runtime/time/timeout.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class ForkJoinEachTest : public testing::FlavorTest {
 protected:
  template <class Make>
  void everywhere(Make make) {
    runtime().block_on(make());
    auto handle = runtime().spawn(make());
    runtime().block_on(std::move(handle)).value();
  }
};
EDDY_FOR_EACH_FLAVOR(ForkJoinEachTest);

TEST_P(ForkJoinEachTest, GivesTheValuesInOrder) {
  everywhere([]() -> Task<> {
    auto square = [](std::size_t i) -> Task<std::size_t> { co_return i* i; };
    for (std::size_t count : {0, 1, 2, 3, 10, 1000}) {
      const std::vector<std::size_t> squares =
          co_await fork_join_each(count, square);
      EXPECT_EQ(squares.size(), count);
      for (std::size_t i = 0; i < squares.size(); ++i) {
        EXPECT_EQ(squares[i], i * i);
      }
    }
  });
}

TEST_P(ForkJoinEachTest, OfMoveOnlyValuesAndReferences) {
  everywhere([]() -> Task<> {
    auto own = [](std::size_t i) -> Task<std::unique_ptr<std::size_t>> {
      co_return std::make_unique<std::size_t>(i);
    };
    auto owned = co_await fork_join_each(3, own);
    EXPECT_EQ(*owned[2], 2u);
    std::array<int, 3> places = {};
    auto refer = [&places](std::size_t i) -> Task<int&> {
      co_return places[i];
    };
    auto referred = co_await fork_join_each(3, refer);
    EXPECT_EQ(&referred[1].get(), &places[1]);
  });
}

TEST_P(ForkJoinEachTest, OfVoidGivesNothing) {
  everywhere([]() -> Task<> {
    std::atomic<int> runs{0};
    auto run = [&runs](std::size_t) -> Task<> {
      ++runs;
      co_return;
    };
    co_await fork_join_each(100, run);
    EXPECT_EQ(runs, 100);
  });
}

TEST_P(ForkJoinEachTest, IntoASpan) {
  everywhere([]() -> Task<> {
    std::vector<std::string> names(50);
    auto name = [](std::size_t i) -> Task<std::string> {
      if (i % 3 == 0) co_await yield_now();
      co_return std::to_string(i);
    };
    co_await fork_join_into(std::span(names), name);
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(names[i], std::to_string(i));
    }
  });
}

TEST_P(ForkJoinEachTest, ChildrenThatWait) {
  everywhere([]() -> Task<> {
    auto sleep = [](std::size_t i) -> Task<std::size_t> {
      co_await time::sleep(std::chrono::microseconds(i * 10));
      co_return i;
    };
    const std::vector<std::size_t> values = co_await fork_join_each(200, sleep);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], i);
  });
}

TEST_P(ForkJoinEachTest, EveryChildRunsAlthoughSomeThrow) {
  everywhere([]() -> Task<> {
    std::atomic<int> runs{0};
    auto run = [&runs](std::size_t i) -> Task<int> {
      ++runs;
      if (i % 10 == 3) throw std::runtime_error("child");
      if (i % 10 == 7) co_await yield_now();
      co_return 1;
    };
    EXPECT_THROW((void)co_await fork_join_each(100, run), std::runtime_error);
    EXPECT_EQ(runs, 100);
  });
}

TEST_P(ForkJoinEachTest, AMakerThatThrowsIsAChildThatThrows) {
  everywhere([]() -> Task<> {
    std::atomic<int> runs{0};
    auto count = [](std::atomic<int>& runs) -> Task<> {
      ++runs;
      co_return;
    };
    auto make = [&](std::size_t i) -> Task<> {
      if (i == 5) throw std::logic_error("maker");
      return count(runs);
    };
    EXPECT_THROW(co_await fork_join_each(20, make), std::logic_error);
    EXPECT_EQ(runs, 19);
  });
}

TEST_P(ForkJoinEachTest, DroppedInTheMiddle) {
  everywhere([]() -> Task<> {
    std::atomic<int> live{0};
    struct Live {
      explicit Live(std::atomic<int>& count) : count(count) { ++count; }
      Live(const Live&) = delete;
      ~Live() { --count; }
      std::atomic<int>& count;
    };
    auto hold = [&live](std::size_t i) -> Task<> {
      Live here(live);
      for (std::size_t n = 0; n < i % 4; ++n) co_await yield_now();
      if (i % 2 == 0) co_await time::sleep(1h);
    };
    const absl::Status status =
        co_await time::timeout(2ms, fork_join_each(1000, hold));
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_EQ(live, 0);
  });
}

TEST_P(ForkJoinEachTest, TenMillionReadyChildren) {
  const bool all = GetParam() == 2 && !EDDY_TSAN && !EDDY_ASAN;
  const std::size_t count = all ? 10'000'000 : 300'000;
  std::atomic<std::size_t> sum{0};
  auto run = [&sum](std::size_t i) -> Task<> {
    sum.fetch_add(i, std::memory_order_relaxed);
    co_return;
  };
  runtime().block_on(runtime().spawn(fork_join_each(count, run))).value();
  EXPECT_EQ(sum, count * (count - 1) / 2);
}

}  // namespace
}  // namespace eddy
