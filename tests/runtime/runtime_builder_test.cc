// The builder: nonsense is refused with a reason, what fails is reported and
// undone, and what it was told comes true.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/blocking/spawn_blocking.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "tests/support/fault_injector.h"
#include "tests/support/runtime_fixture.h"

namespace eddy {
namespace {

using namespace std::chrono_literals;
using testing::Call;
using testing::FaultInjector;

constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();

class BuilderTest : public testing::RuntimeTest {};

// Refused; the message names the option, the value and the range.
void expect_refused(const Builder& builder,
                    const std::vector<std::string>& words) {
  const absl::Status status = builder.build().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  for (const std::string& word : words) {
    EXPECT_NE(std::string(status.message()).find(word), std::string::npos)
        << status << " does not say \"" << word << '"';
  }
}

TEST_F(BuilderTest, WorkersOutOfRange) {
  for (std::size_t n :
       {std::size_t{0}, std::size_t{4097}, std::size_t{1'000'000}, kHuge}) {
    expect_refused(Builder::multi_thread().worker_threads(n),
                   {"worker_threads", std::to_string(n), "1 to 4096"});
  }
}

TEST_F(BuilderTest, ACurrentThreadRuntimeHasNoWorkers) {
  expect_refused(Builder::current_thread().worker_threads(1),
                 {"worker_threads", "multi_thread()"});
}

TEST_F(BuilderTest, ReactorsOutOfRange) {
  for (std::size_t n : {std::size_t{0}, std::size_t{65}, kHuge}) {
    expect_refused(Builder::multi_thread().reactor_threads(n),
                   {"reactor_threads", std::to_string(n), "1 to 64"});
  }
  expect_refused(Builder::current_thread().reactor_threads(2),
                 {"reactor_threads", "multi_thread()"});
  expect_refused(Builder::multi_thread().reactor_threads(2).start_paused(),
                 {"start_paused", "reactor_threads(1)"});
}

TEST_F(BuilderTest, BlockingThreadsOutOfRange) {
  for (std::size_t n : {std::size_t{0}, std::size_t{32769}, kHuge}) {
    expect_refused(Builder::multi_thread().max_blocking_threads(n),
                   {"max_blocking_threads", std::to_string(n), "1 to 32768"});
  }
}

TEST_F(BuilderTest, StackOutOfRange) {
  for (std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{131071},
                        (std::size_t{1} << 30) + 1, kHuge}) {
    expect_refused(Builder::multi_thread().thread_stack_size(n),
                   {"thread_stack_size", std::to_string(n), "131072"});
  }
}

TEST_F(BuilderTest, IntervalsOutOfRange) {
  for (std::size_t n : {std::size_t{0}, (std::size_t{1} << 31) + 1, kHuge}) {
    expect_refused(Builder::multi_thread().global_queue_interval(n),
                   {"global_queue_interval", std::to_string(n), "1 to"});
    expect_refused(Builder::current_thread().event_interval(n),
                   {"event_interval", std::to_string(n), "1 to"});
  }
}

TEST_F(BuilderTest, EventsOutOfRange) {
  for (std::size_t n : {std::size_t{0}, std::size_t{65537}, kHuge}) {
    expect_refused(Builder::multi_thread().max_io_events_per_tick(n),
                   {"max_io_events_per_tick", std::to_string(n), "1 to 65536"});
  }
}

TEST_F(BuilderTest, NegativeKeepAlive) {
  for (auto time : {-1ns, std::chrono::nanoseconds::min()}) {
    expect_refused(Builder::multi_thread().thread_keep_alive(time),
                   {"thread_keep_alive", "negative"});
  }
}

TEST_F(BuilderTest, TheFirstMistakeIsReported) {
  expect_refused(Builder::multi_thread().worker_threads(0).thread_stack_size(1),
                 {"worker_threads"});
}

TEST_F(BuilderTest, TheEdgesOfTheRangesWork) {
  for (Builder builder :
       {Builder::multi_thread().worker_threads(1), Builder::current_thread()}) {
    Runtime& runtime = start(builder.max_blocking_threads(1)
                                 .thread_stack_size(128 * 1024)
                                 .thread_keep_alive(0ns)
                                 .global_queue_interval(1)
                                 .event_interval(1)
                                 .max_io_events_per_tick(1));
    EXPECT_EQ(
        runtime.block_on(runtime.spawn_blocking([] { return 7; })).value(), 7);
    Runtime& other =
        start(builder.max_blocking_threads(32768)
                  .thread_keep_alive(std::chrono::nanoseconds::max())
                  .global_queue_interval(std::size_t{1} << 31)
                  .event_interval(std::size_t{1} << 31)
                  .max_io_events_per_tick(65536));
    EXPECT_EQ(other.block_on(other.spawn_blocking([] { return 7; })).value(),
              7);
  }
}

TEST_F(BuilderTest, OneBuilderBuildsManyRuntimes) {
  const Builder builder = Builder::multi_thread().worker_threads(2);
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<Runtime> runtime = builder.build();
    ASSERT_TRUE(runtime.ok());
    EXPECT_EQ(runtime->metrics().scheduler.workers, 2u);
  }
}

// C1: whichever thread can't be had, the build fails, says why, and leaves no
// thread and no fd behind.
TEST_F(BuilderTest, EveryThreadCreationMayFail) {
  const testing::ProcessState before = testing::ProcessState::now();
  for (uint64_t k = 1; k <= 5; ++k) {  // the reactor's and four workers'
    FaultInjector faults;
    faults.fail(Call::kPthreadCreate, testing::nth(k), EAGAIN);
    absl::StatusOr<Runtime> runtime =
        Builder::multi_thread().worker_threads(4).build();
    EXPECT_EQ(base::errno_of(runtime.status()), EAGAIN) << k;
    EXPECT_EQ(faults.failures(Call::kPthreadCreate), 1u);
    testing::expect_back_to(before);
  }
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, testing::nth(6), EAGAIN);
  EXPECT_TRUE(Builder::multi_thread().worker_threads(4).build().ok());
}

// C1
TEST_F(BuilderTest, EveryFdMayFail) {
  const testing::ProcessState before = testing::ProcessState::now();
  for (Builder builder :
       {Builder::multi_thread().worker_threads(2), Builder::current_thread()}) {
    for (Call call : {Call::kEpollCreate1, Call::kEventfd, Call::kEpollCtl}) {
      for (int error : {EMFILE, ENOMEM}) {
        FaultInjector faults;
        faults.fail(call, testing::nth(1), error);
        const absl::Status status = builder.build().status();
        EXPECT_EQ(base::errno_of(status), error) << testing::name_of(call);
        testing::expect_back_to(before);
      }
    }
  }
}

// D2
TEST_F(BuilderTest, ANameFunctionThatThrowsFailsTheBuild) {
  const testing::ProcessState before = testing::ProcessState::now();
  for (std::size_t k : {0, 1, 3}) {
    expect_refused(Builder::multi_thread().worker_threads(4).thread_name_fn(
                       [k](std::size_t i) -> std::string {
                         if (i == k) throw std::runtime_error("no name");
                         return "named";
                       }),
                   {"thread_name_fn"});
    testing::expect_back_to(before);
  }
}

TEST_F(BuilderTest, TheStackIsAsBigAsItWasTold) {
  // More than the default: a cached stack that is larger would be taken too.
  constexpr std::size_t kStack = 24 * 1024 * 1024;
  const auto stack_of_this_thread = [] {
    pthread_attr_t attributes;
    std::size_t size = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &size);
    pthread_attr_destroy(&attributes);
    return size;
  };
  Runtime& runtime = start(
      Builder::multi_thread().worker_threads(1).thread_stack_size(kStack));
  const std::size_t of_worker =
      runtime
          .block_on(runtime.spawn(
              [&]() -> Task<std::size_t> { co_return stack_of_this_thread(); }))
          .value();
  const std::size_t of_job =
      runtime.block_on(runtime.spawn_blocking(stack_of_this_thread)).value();
  // A sanitizer may add to it.
  EXPECT_GE(of_worker, kStack - 64 * 1024);
  EXPECT_LT(of_worker, 2 * kStack);
  EXPECT_GE(of_job, kStack - 64 * 1024);
  EXPECT_LT(of_job, 2 * kStack);
}

std::string name_of_this_thread() {
  char name[16] = "";
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
}

TEST_F(BuilderTest, ThreadsHaveTheirNames) {
  // With reactor_assist() there are two threads that may run it.
  Runtime& runtime = start(Builder::multi_thread()
                               .worker_threads(1)
                               .reactor_assist(false)
                               .thread_name("oak"));
  const auto ask = [](Runtime& runtime) {
    return runtime
        .block_on(runtime.spawn(
            []() -> Task<std::string> { co_return name_of_this_thread(); }))
        .value();
  };
  EXPECT_EQ(ask(runtime), "oak-worker-0");
  EXPECT_EQ(
      runtime.block_on(runtime.spawn_blocking(name_of_this_thread)).value(),
      "oak-blocking-0");
  Runtime& other = start(Builder::multi_thread()
                             .worker_threads(1)
                             .reactor_assist(false)
                             .thread_name_fn([](std::size_t i) {
                               return "tree" + std::to_string(i);
                             }));
  EXPECT_EQ(ask(other), "tree0");
  Runtime& assisted =
      start(Builder::multi_thread().worker_threads(1).thread_name("elm"));
  EXPECT_THAT(ask(assisted), ::testing::AnyOf("elm-worker-0", "elm-worker-1"));
}

// H3: the default follows the affinity, in a child process so that this one
// keeps its own.
TEST_F(BuilderTest, DefaultWorkersFollowTheAffinity) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0) _exit(2);
    bool good = false;
    {
      absl::StatusOr<Runtime> runtime = Builder::multi_thread().build();
      good =
          runtime.ok() && runtime->metrics().scheduler.workers == 1 &&
          runtime->block_on(runtime->spawn([]() -> Task<int> { co_return 42; }))
                  .value() == 42;
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// H3
TEST_F(BuilderTest, FarMoreWorkersThanCores) {
  Runtime& runtime = start(Builder::multi_thread().worker_threads(128));
  const int sum = runtime.block_on([]() -> Task<int> {
    std::vector<JoinHandle<int>> tasks;
    for (int i = 0; i < 1000; ++i) {
      tasks.push_back(spawn([]() -> Task<int> { co_return 1; }));
    }
    int sum = 0;
    for (auto& task : tasks) sum += (co_await task).value();
    co_return sum;
  });
  EXPECT_EQ(sum, 1000);
}

}  // namespace
}  // namespace eddy
