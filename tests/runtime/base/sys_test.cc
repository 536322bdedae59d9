#include "runtime/base/sys.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "tests/support/scoped_sys_table.h"

namespace eddy::base {
namespace {

TEST(Sys, TableIsComplete) {
  const void* entries[sizeof(SysTable) / sizeof(void*)];
  static_assert(sizeof(entries) == sizeof(SysTable));
  std::memcpy(entries, &kProductionSysTable, sizeof(entries));
  for (const void* entry : entries) EXPECT_NE(entry, nullptr);
}

TEST(Sys, CallsReachTheKernel) {
  int fds[2];
  ASSERT_EQ(sys().pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  EXPECT_EQ(sys().write(fds[1], "eddy", 4), 4);
  char text[8];
  EXPECT_EQ(sys().read(fds[0], text, sizeof(text)), 4);
  EXPECT_EQ(sys().read(fds[0], text, sizeof(text)), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(sys().fcntl(fds[0], F_GETFD, 0), FD_CLOEXEC);
  EXPECT_EQ(sys().close(fds[0]), 0);
  EXPECT_EQ(sys().close(fds[1]), 0);
}

TEST(Sys, FutexComparesAndHasADeadline) {
  const uint32_t word = 7;
  EXPECT_EQ(sys().futex_wait(&word, 8, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
  const timespec past = {.tv_sec = 0, .tv_nsec = 1};
  EXPECT_EQ(sys().futex_wait(&word, 7, &past), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_EQ(sys().futex_wake(&word, 1), 0);
}

TEST(ScopedSysTable, ReplacesAndRestores) {
  static constexpr int kMine = -4711;
  static SysTable table = kProductionSysTable;
  table.close = [](int) { return kMine; };
  {
    testing::ScopedSysTable scoped(&table);
    EXPECT_EQ(sys().close(-1), kMine);
  }
  EXPECT_EQ(sys().close(-1), -1);
  EXPECT_EQ(&sys(), &kProductionSysTable);
}

}  // namespace
}  // namespace eddy::base
