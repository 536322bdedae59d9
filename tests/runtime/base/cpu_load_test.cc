#include "runtime/base/cpu_load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>

#include "tests/support/fault_injector.h"

namespace eddy::base {
namespace {

using testing::always;
using testing::Call;
using testing::FaultInjector;

// What a look says of a machine whose /proc/loadavg has `text`.
bool has_idle_cpu(const std::string& text) {
  FaultInjector calls;
  calls.hook<Call::kReadProc>([&](int, void* into, size_t size) {
    size = std::min(size, text.size());
    std::copy_n(text.data(), size, static_cast<char*>(into));
    return static_cast<ssize_t>(size);
  });
  return CpuLoad().has_idle_cpu();
}

TEST(CpuLoad, ACpuIsIdleIfFewerThreadsCanRunThanThereAreCpus) {
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  const auto load_of = [](long runnable) {
    return "0.20 10.18 0.12 " + std::to_string(runnable) + "/80 11206\n";
  };
  EXPECT_TRUE(has_idle_cpu(load_of(cpus - 1)));
  EXPECT_FALSE(has_idle_cpu(load_of(cpus)));
  EXPECT_FALSE(has_idle_cpu(load_of(cpus + 100)));
}

TEST(CpuLoad, WhatTheKernelDoesNotTellIsTakenForIdle) {
  EXPECT_TRUE(has_idle_cpu(""));
  EXPECT_TRUE(has_idle_cpu("0.20 10.18"));
  EXPECT_TRUE(has_idle_cpu("0.20 10.18 0.12 many/80"));
  for (Call call : {Call::kOpen, Call::kReadProc}) {
    FaultInjector faults;
    faults.fail(call, always(), EACCES);
    EXPECT_TRUE(CpuLoad().has_idle_cpu());
  }
}

// The real file, which says that at least this thread runs.
TEST(CpuLoad, TheFileHasTheFormThatIsExpected) {
  FaultInjector calls;
  std::string text(64, '\0');
  calls.hook<Call::kReadProc>([&](int file, void* into, size_t size) {
    const ssize_t result = testing::real_sys().read_proc(file, into, size);
    text.assign(static_cast<char*>(into), result < 0 ? 0 : result);
    return result;
  });
  (void)CpuLoad().has_idle_cpu();
  double averages[3];
  long runnable = 0;
  EXPECT_EQ(std::sscanf(text.c_str(), "%lf %lf %lf %ld/", &averages[0],
                        &averages[1], &averages[2], &runnable),
            4);
  EXPECT_GE(runnable, 1);
}

}  // namespace
}  // namespace eddy::base
