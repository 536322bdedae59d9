#include "tests/support/fault_injector.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

namespace eddy::testing {
namespace {

using base::sys;

bool close_fails() { return sys().close(-1) == -1 && errno == EIO; }

static_assert(nth(3).due(3) && !nth(3).due(2) && !nth(3).due(6));
static_assert(every(3).due(3) && !every(3).due(4) && every(3).due(6));
static_assert(first(2).due(1) && first(2).due(2) && !first(2).due(3));
static_assert(!after(2).due(2) && after(2).due(3) && after(2).due(4));

TEST(FaultInjector, FailsTheNthCallOnly) {
  FaultInjector faults;
  faults.fail(Call::kClose, nth(2), EIO);
  EXPECT_FALSE(close_fails());
  EXPECT_TRUE(close_fails());
  EXPECT_FALSE(close_fails());
  EXPECT_EQ(faults.calls(Call::kClose), 3u);
  EXPECT_EQ(faults.failures(Call::kClose), 1u);
  EXPECT_EQ(faults.calls(Call::kOpen), 0u);
}

TEST(FaultInjector, RulesAddUpAndCountForThemselves) {
  FaultInjector faults;
  faults.fail(Call::kClose, every(2), EIO);
  EXPECT_FALSE(close_fails());
  faults.fail(Call::kClose, nth(2), EIO);
  EXPECT_TRUE(close_fails());  // every(2)
  EXPECT_TRUE(close_fails());  // nth(2)
  faults.clear(Call::kClose);
  EXPECT_FALSE(close_fails());
}

TEST(FaultInjector, EachCallFailsInItsOwnWay) {
  FaultInjector faults;
  faults.fail(Call::kPthreadCreate, always(), EAGAIN);
  faults.fail(Call::kGetaddrinfo, always(), EAI_NONAME);
  faults.fail(Call::kMmap, always(), ENOMEM);
  faults.fail(Call::kRead, always(), EINTR);
  pthread_t thread;
  auto body = [](void* argument) { return argument; };
  EXPECT_EQ(sys().pthread_create(&thread, nullptr, body, nullptr), EAGAIN);
  EXPECT_EQ(sys().getaddrinfo("host", nullptr, nullptr, nullptr), EAI_NONAME);
  EXPECT_EQ(sys().mmap(nullptr, 1, 0, 0, -1, 0), MAP_FAILED);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(sys().read(0, nullptr, 0), -1);
  EXPECT_EQ(errno, EINTR);
}

TEST(FaultInjector, HookClampsLengths) {
  int fds[2];
  ASSERT_EQ(sys().pipe2(fds, 0), 0);
  {
    FaultInjector faults;
    faults.hook<Call::kWrite>([](int fd, const void* from, size_t size) {
      return real_sys().write(fd, from, std::min<size_t>(size, 2));
    });
    faults.fail(Call::kWrite, nth(2), EINTR);
    EXPECT_EQ(sys().write(fds[1], "eddy", 4), 2);
    EXPECT_EQ(sys().write(fds[1], "eddy", 4), -1);
    EXPECT_EQ(sys().write(fds[1], "eddy", 4), 2);
  }
  EXPECT_EQ(sys().write(fds[1], "eddy", 4), 4);
  sys().close(fds[0]);
  sys().close(fds[1]);
}

TEST(FaultInjector, CountsCallsOfManyThreads) {
  constexpr int kThreads = 4, kCalls = 1'000;
  FaultInjector faults;
  faults.fail(Call::kClose, every(10), EIO);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int call = 0; call < kCalls; ++call) sys().close(-1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults.calls(Call::kClose), uint64_t{kThreads} * kCalls);
  EXPECT_EQ(faults.failures(Call::kClose), uint64_t{kThreads} * kCalls / 10);
}

TEST(FaultInjector, RestoresTheTableAndItsOwnState) {
  {
    FaultInjector faults;
    faults.fail(Call::kClose, always(), EIO);
    EXPECT_TRUE(close_fails());
  }
  EXPECT_FALSE(close_fails());
  EXPECT_EQ(&sys(), &real_sys());
  FaultInjector faults;
  EXPECT_FALSE(close_fails());
  EXPECT_EQ(faults.calls(Call::kClose), 1u);
}

TEST(FailEach, MeetsEveryCallOnce) {
  std::vector<int> failed_at;
  const uint64_t failures = fail_each(Call::kClose, EIO, [&] {
    for (int i = 0; i < 3; ++i) {
      if (close_fails()) failed_at.push_back(i);
    }
  });
  EXPECT_EQ(failures, 3u);
  EXPECT_EQ(failed_at, (std::vector<int>{0, 1, 2}));
}

TEST(Call, HasANameForMessages) {
  EXPECT_STREQ(name_of(Call::kSocket), "socket");
  EXPECT_STREQ(name_of(Call::kGetrandom), "getrandom");
}

TEST(FaultInjectorDeathTest, OneAtATime) {
  FaultInjector faults;
  EXPECT_DEATH(FaultInjector(), "share one");
}

}  // namespace
}  // namespace eddy::testing
