#include "runtime/base/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/fault_injector.h"

namespace eddy::base {
namespace {

namespace fs = std::filesystem;
using testing::Call;
using testing::FaultInjector;

// A file system in which control groups look as a test wants them to.
class CpuCount : public ::testing::Test {
 protected:
  CpuCount() : root_(fs::path(::testing::TempDir()) / "cpu_count") {
    fs::remove_all(root_);
  }
  ~CpuCount() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const fs::path file = root_ / path.substr(1);
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  void mount_version2(const std::string& group, const std::string& root = "/") {
    write("/proc/self/cgroup", "0::" + group + "\n");
    write("/proc/self/mountinfo",
          "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
          "30 24 0:26 " +
              root +
              " /sys/fs/cgroup rw,nosuid shared:4 master:2 "
              "- cgroup2 cgroup2 rw,nsdelegate\n");
  }

  void mount_version1(const std::string& group, const std::string& root = "/") {
    write("/proc/self/cgroup",
          "5:cpuset:/other\n4:cpu,cpuacct:" + group + "\n0::/user\n");
    write("/proc/self/mountinfo",
          "31 24 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
          "32 24 0:28 " +
              root +
              " /sys/fs/cgroup/cpu,cpuacct rw "
              "- cgroup cgroup rw,cpu,cpuacct\n");
  }

  std::optional<int> limit() const { return cgroup_cpu_limit(root_.string()); }

 private:
  fs::path root_;
};

TEST_F(CpuCount, NoControlGroupIsNoLimit) { EXPECT_EQ(limit(), std::nullopt); }

TEST_F(CpuCount, Version2IsRoundedUp) {
  mount_version2("/app");
  write("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(limit(), 2);
  write("/sys/fs/cgroup/app/cpu.max", "10000 100000\n");
  EXPECT_EQ(limit(), 1);
  write("/sys/fs/cgroup/app/cpu.max", "400000 100000\n");
  EXPECT_EQ(limit(), 4);
}

TEST_F(CpuCount, Version2MaxIsNoLimit) {
  mount_version2("/app");
  write("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
  EXPECT_EQ(limit(), std::nullopt);
}

TEST_F(CpuCount, GroupsAroundCountToo) {
  mount_version2("/slice/app/worker");
  write("/sys/fs/cgroup/slice/cpu.max", "300000 100000\n");
  write("/sys/fs/cgroup/slice/app/cpu.max", "800000 100000\n");
  write("/sys/fs/cgroup/slice/app/worker/cpu.max", "max 100000\n");
  EXPECT_EQ(limit(), 3);
}

TEST_F(CpuCount, Version2InAContainerWithItsOwnNamespace) {
  mount_version2("/");
  write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(limit(), 2);
}

TEST_F(CpuCount, Version1) {
  mount_version1("/app");
  write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 3);
  write("/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(limit(), std::nullopt);
}

TEST_F(CpuCount, Version1InAContainerSeesItsGroupAtTheMount) {
  mount_version1("/docker/4711", "/docker/4711");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(limit(), 1);
}

TEST_F(CpuCount, NonsenseIsNoLimit) {
  mount_version2("app/../..");
  write("/sys/fs/cgroup/cpu.max", "fast 0\n");
  EXPECT_EQ(limit(), std::nullopt);
  mount_version2("");
  write("/sys/fs/cgroup/cpu.max", "");
  EXPECT_EQ(limit(), std::nullopt);
  write("/proc/self/mountinfo", "\n - \n1 2 3 -\n 1 2 3 4 5 6 - cgroup2\n");
  EXPECT_EQ(limit(), std::nullopt);
}

// H3: sizes follow the affinity.
TEST(AvailableCpus, FollowsTheAffinity) {
  EXPECT_GE(available_cpus(), 1);
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(available_cpus(), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

TEST(AvailableCpus, MachineWithMoreThan1024Cpus) {
  FaultInjector faults;
  faults.hook<Call::kSchedGetaffinity>([](pid_t, size_t size, cpu_set_t* set) {
    if (size < 4096 / 8) {
      errno = EINVAL;
      return -1;
    }
    CPU_ZERO_S(size, set);
    CPU_SET_S(4095, size, set);
    return 0;
  });
  EXPECT_EQ(available_cpus(), 1);
  EXPECT_EQ(faults.calls(Call::kSchedGetaffinity), 3u);
}

TEST(AvailableCpus, SurvivesARefusal) {
  FaultInjector faults;
  faults.fail(Call::kSchedGetaffinity, testing::always(), EPERM);
  EXPECT_GE(available_cpus(), 1);
}

}  // namespace
}  // namespace eddy::base
