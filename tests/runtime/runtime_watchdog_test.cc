// Polls that last longer than Builder::blocking_threshold(): each place is
// reported once, with the task and the stack of the thread that is stuck (H2).

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/builder.h"
#include "runtime/fork_join/fork_join.h"
#include "runtime/scheduler/block_in_place.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

// No other poll lasts so long, on a busy machine either.
constexpr auto kThreshold = 100ms;

// What a runtime has reported.
class Reports {
 public:
  void add(const BlockedPoll& poll) {
    base::MutexLock lock(&mutex_);
    polls_.push_back(poll);
  }
  std::vector<BlockedPoll> all() {
    base::MutexLock lock(&mutex_);
    return polls_;
  }
  std::size_t count() { return all().size(); }

 private:
  base::Mutex mutex_;
  std::vector<BlockedPoll> polls_ ABSL_GUARDED_BY(mutex_);
};

// Is stuck until `done()`, `depth` calls deeper.
template <class Done>
[[gnu::noinline]] void be_stuck(const Done& done, int depth = 0) {
  if (depth > 0) {
    be_stuck(done, depth - 1);
  } else {
    EXPECT_TRUE(eventually([&] {
      std::this_thread::sleep_for(100us);
      return done();
    }));
  }
  asm volatile("");  // no tail call
}

bool mentions(const BlockedPoll& poll, std::string_view function) {
  for (const std::string& name : poll.backtrace) {
    if (name.find(function) != std::string::npos) return true;
  }
  return false;
}

class BlockedPolls : public testing::FlavorTest {
 protected:
  Builder watching() {
    return builder()
        .blocking_threshold(kThreshold)
        .on_blocked_poll(
            [this](const BlockedPoll& poll) { reports.add(poll); });
  }
  static uint64_t counted(const Runtime& runtime) {
    return runtime.metrics().scheduler.blocked_polls;
  }

  Reports reports;  // outlives the runtimes
};
EDDY_FOR_EACH_FLAVOR(BlockedPolls);

TEST_P(BlockedPolls, AreReported) {
  Runtime& mine = start(watching());
  TaskId id;
  mine.block_on([&]() -> Task<> {
    auto task = spawn_named("walrus", [&]() -> Task<> {
      co_await yield_now();
      be_stuck([&] { return reports.count() > 0; });
    });
    id = task.id();
    EXPECT_TRUE((co_await task).has_value());
  });
  ASSERT_EQ(reports.count(), 1u);
  const BlockedPoll poll = reports.all()[0];
  EXPECT_EQ(poll.task, id);
  EXPECT_EQ(poll.task_name, "walrus");
  EXPECT_NE(poll.thread_name, "");
  EXPECT_GE(poll.duration, kThreshold);
  EXPECT_TRUE(mentions(poll, "be_stuck")) << poll.message();
  EXPECT_NE(poll.message().find("\"walrus\" has blocked thread "),
            std::string::npos);
  EXPECT_EQ(counted(mine), 1u);
  stop(mine);
}

TEST_P(BlockedPolls, AreReportedOncePerPlace) {
  Runtime& mine = start(watching());
  auto blocker = [&]() -> Task<> {
    for (int depth = 0; depth < 3; ++depth) {
      const uint64_t before = counted(mine);
      be_stuck([&] { return counted(mine) > before && reports.count() >= 1; },
               3 * depth);
      co_await yield_now();
    }
    EXPECT_EQ(reports.count(), 1u) << reports.all().back().message();
    be_stuck([&] { return reports.count() >= 2; });
  };
  EXPECT_TRUE(mine.block_on(mine.spawn(blocker)).has_value());
  EXPECT_EQ(reports.count(), 2u);
  EXPECT_EQ(counted(mine), 4u);
  stop(mine);
}

// The future of a block_on() is no task, and blocks those behind it where its
// thread has the core.
TEST_P(BlockedPolls, OfABlockOn) {
  if (!is_current_thread()) return;
  Runtime& mine = start(watching());
  mine.block_on([&]() -> Task<> {
    be_stuck([&] { return reports.count() > 0; });
    co_return;
  });
  EXPECT_EQ(reports.all()[0].task, TaskId());
  EXPECT_TRUE(mentions(reports.all()[0], "be_stuck"));
  stop(mine);
}

TEST_P(BlockedPolls, OfForksThatWereStolen) {
  // Where the thread in place holds no role, somebody steals for certain.
  if (!is_dedicated()) return;
  Runtime& mine = start(watching());
  auto is_reported = [&] {
    for (const BlockedPoll& poll : reports.all()) {
      if (poll.task == TaskId() && mentions(poll, "be_stuck")) return true;
    }
    return false;
  };
  // Places of their own: the one in place is reported too.
  auto in_place = [](decltype(is_reported) done) -> Task<int> {
    be_stuck(done);
    co_return 1;
  };
  auto stolen = [](decltype(is_reported) done) -> Task<int> {
    be_stuck(done);
    co_return 1;
  };
  auto parent = [&]() -> Task<int> {
    auto [a, b] =
        co_await fork_join(in_place(is_reported), stolen(is_reported));
    co_return a + b;
  };
  EXPECT_EQ(mine.block_on(mine.spawn(parent())).value(), 2);
  stop(mine);
}

// It blocks nobody, however long it takes.
TEST_P(BlockedPolls, AreNotThoseThatBlockInPlace) {
  Runtime& mine = start(watching().blocking_threshold(200ms));
  auto task = mine.spawn([]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      block_in_place([] { std::this_thread::sleep_for(300ms); });
      co_await yield_now();
    }
  });
  EXPECT_TRUE(mine.block_on(std::move(task)).has_value());
  EXPECT_EQ(counted(mine), 0u);
  stop(mine);
}

TEST_P(BlockedPolls, OfSeveralRuntimes) {
  Reports others;
  Runtime& mine = start(watching());
  Runtime& other = start(
      builder().blocking_threshold(kThreshold).on_blocked_poll([&](auto& poll) {
        others.add(poll);
      }));
  auto blocker = [&]() -> Task<> {
    be_stuck([&] { return reports.count() > 0 && others.count() > 0; });
    co_return;
  };
  std::thread second([&] { other.block_on(other.spawn(blocker)).value(); });
  mine.block_on(mine.spawn(blocker)).value();
  second.join();
  EXPECT_EQ(counted(mine), 1u);
  EXPECT_EQ(counted(other), 1u);
  stop(mine);
  stop(other);
}

// D2
TEST_P(BlockedPolls, AHookThatThrows) {
  std::atomic<bool> has_thrown{false};
  Runtime& mine = start(builder()
                            .blocking_threshold(kThreshold)
                            .unhandled_exception(UnhandledException::kShutdown)
                            .on_blocked_poll([&](const BlockedPoll&) {
                              has_thrown = true;
                              throw std::logic_error("hook");
                            }));
  auto task = mine.spawn([&]() -> Task<> {
    be_stuck([&] { return has_thrown.load(); });
    for (;;) co_await yield_now();
  });
  EXPECT_THROW((void)mine.block_on(std::move(task)), std::logic_error);
  stop(mine);
}

// F1: the runtime is ended by the hook, on the watchdog's own thread.
TEST_P(BlockedPolls, AHookThatEndsTheRuntime) {
  std::optional<Runtime> mine;
  std::atomic<bool> is_told{false}, is_over{false};
  mine = *builder()
              .blocking_threshold(kThreshold)
              .on_blocked_poll([&](const BlockedPoll&) {
                is_told = true;
                mine->shutdown_background();
                is_over = true;
              })
              .build();
  auto task = mine->spawn([&]() -> Task<> {
    be_stuck([&] { return is_told.load(); });
    for (;;) co_await yield_now();
  });
  EXPECT_TRUE(mine->block_on(std::move(task)).is_cancelled());
  EXPECT_TRUE(eventually([&] { return is_over.load(); }));
}

// C1: whichever thread can't be had, nothing is left of the runtime.
TEST_P(BlockedPolls, WithoutAThreadThereIsNoRuntime) {
  const testing::ProcessState before = testing::ProcessState::now();
  bool is_built = false;
  for (uint64_t k = 1; !is_built; ++k) {
    testing::FaultInjector faults;
    faults.fail(testing::Call::kPthreadCreate, testing::nth(k), EAGAIN);
    is_built = builder().blocking_threshold(1s).build().ok();
    testing::expect_back_to(before);
  }
}

TEST(BlockedPoll, SaysWhatItKnows) {
  const BlockedPoll poll{.task = TaskId(),
                         .task_name = {},
                         .thread_name = "t",
                         .duration = 1500us,
                         .backtrace = {}};
  EXPECT_EQ(poll.message(),
            "a poll has blocked thread t for 1 ms, which does not answer");
}

TEST(BlockedPoll, ThresholdsThatMakeNoSense) {
  for (const std::chrono::nanoseconds wrong : {-1ns, 999'999ns, 3601s + 0ns}) {
    EXPECT_FALSE(
        Builder::current_thread().blocking_threshold(wrong).build().ok());
  }
}

}  // namespace
}  // namespace eddy
