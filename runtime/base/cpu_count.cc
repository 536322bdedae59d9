#include "runtime/base/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

// One hierarchy of control groups as this process sees it.
struct Hierarchy {
  bool version2 = false;
  std::string mount_root;   // the group that is mounted
  std::string mount_point;  // where
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

bool contains(const std::vector<std::string>& parts, std::string_view wanted) {
  return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

// A line of mountinfo:
//   36 35 98:0 /root /mount/point rw,noatime master:1 - cgroup cgroup rw,cpu
//   0  1  2    3     4            5         (0 to n)  -  +1    +2     +3
std::optional<Hierarchy> parse_mount(const std::string& line) {
  const std::vector<std::string> fields = split(line, ' ');
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (dash - fields.begin() < 6 || fields.end() - dash < 4) return std::nullopt;
  const bool version2 = dash[1] == "cgroup2";
  const bool version1 =
      dash[1] == "cgroup" && contains(split(dash[3], ','), "cpu");
  if (!version1 && !version2) return std::nullopt;
  return Hierarchy{version2, fields[3], fields[4]};
}

// This process's group in the hierarchy. A line of /proc/self/cgroup:
//   0::/a/group              version 2
//   4:cpu,cpuacct:/a/group   version 1
std::optional<std::string> group_of(const Hierarchy& hierarchy,
                                    const std::string& file_root) {
  std::ifstream file(file_root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool here = hierarchy.version2
                          ? line.starts_with("0::")
                          : contains(split(controllers, ','), "cpu");
    if (here) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<int> whole_cpus(int64_t quota, int64_t period) {
  if (quota <= 0 || period <= 0) return std::nullopt;
  const int64_t cpus = quota / period + (quota % period != 0);
  return static_cast<int>(
      std::min<int64_t>(cpus, std::numeric_limits<int>::max()));
}

// The quota that is set at one group; nothing if it is "max", -1, or not there.
std::optional<int> limit_at(const std::string& folder, bool version2) {
  int64_t quota = 0, period = 0;
  if (version2) {
    std::ifstream(folder + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  return whole_cpus(quota, period);
}

std::optional<int> lesser(std::optional<int> a, std::optional<int> b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return std::min(*a, *b);
}

// The least quota from the process's group up to what is mounted.
std::optional<int> limit_in(const Hierarchy& hierarchy,
                            const std::string& file_root) {
  std::optional<std::string> group = group_of(hierarchy, file_root);
  if (!group.has_value()) return std::nullopt;
  // In a container the mounted group is often the process's own, under its
  // outer name. A group that lies elsewhere can't be seen from here.
  if (hierarchy.mount_root != "/") {
    const bool below = group->starts_with(hierarchy.mount_root);
    group = below ? group->substr(hierarchy.mount_root.size()) : "";
  }
  const std::string top = file_root + hierarchy.mount_point;
  std::optional<int> limit = limit_at(top, hierarchy.version2);
  for (std::string path = *group; path.size() > 1;
       path.resize(path.find_last_of('/'))) {
    if (path.find('/') == path.npos) break;
    limit = lesser(limit, limit_at(top + path, hierarchy.version2));
  }
  return limit;
}

// The kernel refuses a set with room for fewer CPUs than it knows.
std::optional<int> affinity_cpus() {
  constexpr size_t kMost = size_t{1} << 16;
  for (size_t room = CPU_SETSIZE; room <= kMost; room *= 2) {
    std::vector<cpu_set_t> set(room / CPU_SETSIZE);
    const size_t bytes = set.size() * sizeof(cpu_set_t);
    if (sys().sched_getaffinity(0, bytes, set.data()) == 0) {
      return CPU_COUNT_S(bytes, set.data());
    }
    if (errno != EINVAL) break;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> cgroup_cpu_limit(const std::string& file_root) {
  std::optional<int> limit;
  std::ifstream mounts(file_root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (std::optional<Hierarchy> hierarchy = parse_mount(line)) {
      limit = lesser(limit, limit_in(*hierarchy, file_root));
    }
  }
  return limit;
}

int available_cpus() {
  std::optional<int> cpus = affinity_cpus();
  if (!cpus.has_value()) {
    cpus = static_cast<int>(std::thread::hardware_concurrency());
  }
  return std::max(1, *lesser(cpus, cgroup_cpu_limit()));
}

}  // namespace eddy::base
