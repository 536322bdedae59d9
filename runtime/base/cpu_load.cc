#include "runtime/base/cpu_load.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>

#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

// "0.20 0.18 0.12 3/80 11206": the 3.
std::optional<long> runnable_threads(std::string_view load) {
  for (int averages = 0; averages < 3; ++averages) {
    const std::size_t space = load.find(' ');
    if (space == load.npos) return std::nullopt;
    load.remove_prefix(space + 1);
  }
  long count = 0;
  const auto parsed =
      std::from_chars(load.data(), load.data() + load.size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  return count;
}

}  // namespace

CpuLoad::CpuLoad()
    : cpus_(::sysconf(_SC_NPROCESSORS_ONLN)),
      file_(sys().open("/proc/loadavg", O_RDONLY | O_CLOEXEC, 0)) {}

CpuLoad::~CpuLoad() {
  if (file_ >= 0) sys().close(file_);
}

bool CpuLoad::has_idle_cpu() const {
  if (file_ < 0) return true;
  std::array<char, 64> text;
  const ssize_t size = sys().read_proc(file_, text.data(), text.size());
  if (size <= 0) return true;
  const std::optional<long> runnable =
      runnable_threads({text.data(), static_cast<std::size_t>(size)});
  return !runnable.has_value() || *runnable < cpus_;
}

}  // namespace eddy::base
