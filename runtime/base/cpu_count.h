// How many CPUs this process may use.
#ifndef EDDY_RUNTIME_BASE_CPU_COUNT_H_
#define EDDY_RUNTIME_BASE_CPU_COUNT_H_

#include <optional>
#include <string>

namespace eddy::base {

// The lesser of what the calling thread's affinity and its control group allow,
// a quota of 1.5 CPUs counting as 2; at least 1. Reads a few files: not for hot
// paths. The affinity or a quota may change later; this doesn't.
int available_cpus();

// The CPUs that the quota of this process's control group, or of one around it,
// is worth, rounded up; nothing if there is no quota. Knows version 1
// (cpu.cfs_quota_us), version 2 (cpu.max) and both at once. `file_root` is put
// before every path, for tests.
std::optional<int> cgroup_cpu_limit(const std::string& file_root = "");

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_CPU_COUNT_H_
