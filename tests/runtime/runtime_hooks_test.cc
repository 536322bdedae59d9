// The hooks, and what becomes of exceptions that nobody joins.

#include <pthread.h>

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/base/mutex.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/task/yield.h"
#include "runtime/time/sleep.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;

class Hooks : public testing::FlavorTest {};
EDDY_FOR_EACH_FLAVOR(Hooks);

// The names of the threads that a hook was called on.
class Names {
 public:
  std::function<void()> hook() {
    return [this] {
      char name[16] = "";
      pthread_getname_np(pthread_self(), name, sizeof(name));
      base::MutexLock lock(&mu_);
      names_.insert(name);
    };
  }
  std::multiset<std::string> get() {
    base::MutexLock lock(&mu_);
    return names_;
  }

 private:
  base::Mutex mu_;
  std::multiset<std::string> names_ ABSL_GUARDED_BY(mu_);
};

TEST_P(Hooks, EachThreadStartsAndStopsOnce) {
  Names started, stopped;
  std::multiset<std::string> expected;
  {
    Runtime& runtime = start(builder()
                                 .thread_name("walrus")
                                 .on_thread_start(started.hook())
                                 .on_thread_stop(stopped.hook()));
    runtime.block_on(runtime.spawn_blocking([] {})).value();
    stop(runtime);
  }
  expected.insert("walrus-blocki-0");  // the kernel keeps 15 bytes
  if (is_dedicated()) expected.insert("eddy-reactor");
  for (uint32_t i = 0; !is_current_thread() && i < threads(); ++i) {
    expected.insert("walrus-worker-" + std::to_string(i));
  }
  EXPECT_EQ(started.get().size(), expected.size());
  EXPECT_EQ(started.get(), stopped.get());
  for (const std::string& name : started.get()) {
    if (name.find("block") == std::string::npos) {
      EXPECT_EQ(expected.count(name), 1u) << name;
    }
  }
}

TEST_P(Hooks, ParkAndUnparkComeInPairs) {
  std::atomic<int> parked{0}, unparked{0};
  Runtime& runtime =
      start(builder()
                .on_thread_park([&] { parked.fetch_add(1); })
                .on_thread_unpark([&] { unparked.fetch_add(1); }));
  for (int i = 0; i < 20; ++i) {
    runtime.block_on([]() -> Task<> { co_await time::sleep(1ms); });
  }
  stop(runtime);
  EXPECT_GT(parked.load(), 0);
  EXPECT_EQ(parked.load(), unparked.load());
}

// A task that is spawned while its thread goes to sleep must not sleep with it.
TEST_P(Hooks, AParkHookMaySpawn) {
  std::atomic<bool> spawned{false}, ran{false};
  Runtime& runtime = start(builder().on_thread_park([&] {
    if (spawned.exchange(true)) return;
    spawn([&]() -> Task<> {
      ran.store(true);
      co_return;
    }).detach();
  }));
  runtime.block_on([&]() -> Task<> {
    co_await time::sleep(1ms);
    for (int i = 0; i < 1000 && !ran.load(); ++i) co_await time::sleep(1ms);
  });
  stop(runtime);
  EXPECT_TRUE(ran.load());
}

TEST_P(Hooks, TasksAreSeenByTheirIds) {
  base::Mutex mu;
  std::multiset<TaskId> spawned, ended;
  std::set<TaskId> expected;
  absl::StatusOr<Runtime> runtime =
      builder()
          .on_task_spawn([&](const TaskInfo& t) {
            base::MutexLock lock(&mu);
            spawned.insert(t.id);
          })
          .on_task_terminate([&](const TaskInfo& t) {
            base::MutexLock lock(&mu);
            ended.insert(t.id);
          })
          .build();
  ASSERT_TRUE(runtime.ok());
  for (int i = 0; i < 50; ++i) {
    JoinHandle<void> task = runtime->spawn([i]() -> Task<> {
      if (i % 3 == 0) co_await time::sleep(1h);
    });
    expected.insert(task.id());
    if (i % 3 == 1) task.abort();
    if (i % 3 == 2) (void)runtime->block_on(std::move(task));
  }
  runtime->shutdown_timeout(20s);
  base::MutexLock lock(&mu);
  EXPECT_EQ(spawned, std::multiset<TaskId>(expected.begin(), expected.end()));
  EXPECT_EQ(spawned, ended);
}

// F1
TEST_P(Hooks, ATaskThatCameTooLateIsNotSeen) {
  Runtime& mine = start(builder());
  Handle handle = mine.handle();
  EXPECT_TRUE(mine.shutdown_timeout(20s).empty());
  JoinHandle<void> task = handle.spawn([]() -> Task<> { co_return; });
  EXPECT_TRUE(task.is_finished());
  EXPECT_EQ(ledger(mine).spawned(), 0u);
  EXPECT_EQ(ledger(mine).ended(), 0u);
}

// D2
TEST_P(Hooks, AnExceptionOfAHookIsIgnored) {
  const auto fail = [] { throw std::runtime_error("a hook"); };
  const auto fail_task = [](const TaskInfo&) { throw 7; };
  absl::StatusOr<Runtime> runtime = builder()
                                        .on_thread_start(fail)
                                        .on_thread_stop(fail)
                                        .on_thread_park(fail)
                                        .on_thread_unpark(fail)
                                        .on_task_spawn(fail_task)
                                        .on_task_terminate(fail_task)
                                        .build();
  ASSERT_TRUE(runtime.ok());
  for (int i = 0; i < 5; ++i) {
    const int value = runtime->block_on([]() -> Task<int> {
      co_await time::sleep(1ms);
      (co_await spawn_blocking([] {})).value();
      co_return (co_await spawn([]() -> Task<int> { co_return 42; })).value();
    });
    EXPECT_EQ(value, 42);
  }
}

// D2
TEST_P(Hooks, AnExceptionOfAHookMayShutDown) {
  Runtime& runtime =
      start(builder()
                .unhandled_exception(UnhandledException::kShutdown)
                .on_thread_park([] { throw std::runtime_error("a hook"); }));
  EXPECT_THROW(runtime.block_on(time::sleep(1h)), std::runtime_error);
}

Task<> fail() {
  throw std::runtime_error("nobody joins me");
  co_return;
}

// Throws once nobody can join it any more.
using Detached = std::shared_ptr<std::atomic<bool>>;

Task<> fail_when(Detached detached) {
  while (!detached->load()) co_await yield_now();
  throw std::runtime_error("nobody joins me");
}

void spawn_failing_task(const Handle& handle) {
  auto detached = std::make_shared<std::atomic<bool>>(false);
  handle.spawn(fail_when(detached)).detach();
  detached->store(true);
}

TEST_P(Hooks, IgnorePolicyDropsTheException) {
  Runtime& runtime = start(builder());
  runtime.block_on([]() -> Task<> {
    spawn_failing_task(Handle::current());
    for (int i = 0; i < 10; ++i) co_await yield_now();
  });
  EXPECT_EQ(runtime.block_on([]() -> Task<int> { co_return 1; }), 1);
}

TEST_P(Hooks, ShutdownPolicyEndsEveryBlockOn) {
  Runtime& runtime =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  std::atomic<int> threw{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      try {
        struct Never {
          using Output = void;
          explicit Never() {}
          Poll<void> poll(Context&) { return kPending; }
        };
        runtime.block_on(Never());
      } catch (const std::runtime_error&) {
        threw.fetch_add(1);
      }
    });
  }
  spawn_failing_task(runtime.handle());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(threw.load(), 3);
  // It stays so.
  EXPECT_THROW(runtime.block_on(time::sleep(1h)), std::runtime_error);
  EXPECT_TRUE(runtime.spawn([]() -> Task<> { co_return; }).is_finished());
}

// Whether it comes before the end of the task or after, detach() leaves nobody
// who could read the exception.
TEST_P(Hooks, ShutdownPolicyCountsWhatIsDetachedAfterItsEnd) {
  Runtime& runtime =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  EXPECT_THROW(runtime.block_on([]() -> Task<> {
    JoinHandle<void> task = spawn(fail());
    while (!task.is_finished()) co_await yield_now();
    std::move(task).detach();
    co_await time::sleep(1h);
  }),
               std::runtime_error);
}

TEST_P(Hooks, ShutdownPolicySparesWhatIsJoined) {
  Runtime& runtime =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  runtime.block_on([]() -> Task<> {
    JoinHandle<void> task = spawn(fail());
    EXPECT_NE((co_await task).exception(), nullptr);
  });
}

TEST_P(Hooks, ShutdownPolicyHearsOfJobs) {
  Runtime& runtime =
      start(builder().unhandled_exception(UnhandledException::kShutdown));
  EXPECT_THROW(runtime.block_on([]() -> Task<> {
    auto detached = std::make_shared<std::atomic<bool>>(false);
    spawn_blocking([detached] {
      while (!detached->load()) std::this_thread::yield();
      throw std::runtime_error("a job");
    }).detach();
    detached->store(true);
    co_await time::sleep(1h);
    co_await time::sleep(1h);
    for (;;) co_await yield_now();
  }),
               std::runtime_error);
}

}  // namespace
}  // namespace eddy
