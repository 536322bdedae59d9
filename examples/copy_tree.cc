// Copies a folder with all that is in it, many files at a time.
//
//   ./bazelw run -c opt //examples:copy_tree -- --from=$PWD --to=/tmp/copy
//
// One task walks through the folders, and each file is copied by one of its
// own; a semaphore bounds how many of those there are. Another draws the
// progress.

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "io/fs/fs.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/combinators/select.h"
#include "runtime/spawn.h"
#include "runtime/task/task.h"
#include "runtime/time/interval.h"
#include "sync/semaphore.h"

ABSL_FLAG(std::string, from, "", "The folder that is copied.");
ABSL_FLAG(std::string, to, "",
          "Where to. It is made; what is there already is replaced, and what "
          "has no counterpart stays.");
ABSL_FLAG(uint32_t, at_once, 32, "How many files are copied at a time.");
ABSL_FLAG(bool, progress, true,
          "Draws a bar on stderr, if that is a terminal.");

namespace eddy::examples {
namespace {

namespace fs = io::fs;

// Of one thread, which does it all.
struct Copying {
  explicit Copying(uint32_t at_once)
      : at_once(at_once), permits(std::make_shared<sync::Semaphore>(at_once)) {}

  const uint32_t at_once;
  const std::shared_ptr<sync::Semaphore> permits;
  uint64_t found = 0;  // files
  uint64_t copied = 0;
  uint64_t bytes = 0;
  absl::Status failure;  // the first
};
using Shared = std::shared_ptr<Copying>;

Task<> copy_file(Shared copying,
                 [[maybe_unused]] sync::Semaphore::OwnedPermit permit,
                 std::string from, std::string to) {
  const absl::StatusOr<uint64_t> size = co_await fs::copy(from, to);
  if (size.ok()) {
    ++copying->copied;
    copying->bytes += *size;
  }
  copying->failure.Update(size.status());
}

Task<absl::Status> copy_link(std::string from, std::string to) {
  EDDY_CO_ASSIGN_OR_RETURN(const std::string target,
                           co_await fs::read_link(from));
  const absl::Status removed = co_await fs::remove_file(to);
  if (!removed.ok() && !absl::IsNotFound(removed)) co_return removed;
  co_return co_await fs::symlink(target, to);
}

Task<absl::Status> copy_entry(Shared copying, io::DirEntry entry,
                              std::string from, std::string to);

Task<absl::Status> copy_folder(Shared copying, std::string from,
                               std::string to) {
  EDDY_CO_RETURN_IF_ERROR(co_await fs::create_dir_all(to));
  EDDY_CO_ASSIGN_OR_RETURN(io::ReadDir entries, co_await fs::read_dir(from));
  for (;;) {
    EDDY_CO_ASSIGN_OR_RETURN(auto entry, co_await entries.next());
    if (!entry) break;
    std::string name = "/" + entry->name();
    EDDY_CO_RETURN_IF_ERROR(co_await copy_entry(copying, *std::move(entry),
                                                from + name, to + name));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> copy_entry(Shared copying, io::DirEntry entry,
                              std::string from, std::string to) {
  io::FileType type = entry.type();
  if (type == io::FileType::kUnknown) {
    EDDY_CO_ASSIGN_OR_RETURN(const io::Metadata metadata,
                             co_await fs::symlink_metadata(from));
    type = metadata.type();
  }
  switch (type) {
    case io::FileType::kFolder:
      co_return co_await copy_folder(copying, std::move(from), std::move(to));
    case io::FileType::kSymlink:
      co_return co_await copy_link(std::move(from), std::move(to));
    case io::FileType::kFile:
      break;
    default:
      std::fprintf(stderr, "left out, as it is no file: %s\n", from.c_str());
      co_return absl::OkStatus();
  }
  ++copying->found;
  // Waits while there are as many copies as there may be.
  auto permit = co_await sync::Semaphore::acquire_owned(copying->permits);
  spawn(copy_file(copying, *std::move(permit), std::move(from), std::move(to)))
      .detach();
  co_return absl::OkStatus();
}

// After everything has ended.
Task<absl::Status> copy_all(Shared copying, std::string from, std::string to) {
  const absl::Status walk =
      co_await copy_folder(copying, std::move(from), std::move(to));
  auto all = co_await sync::Semaphore::acquire_owned(copying->permits,
                                                     copying->at_once);
  copying->failure.Update(walk);
  co_return copying->failure;
}

void draw(const Copying& copying) {
  constexpr uint64_t kWidth = 40;
  const uint64_t done =
      copying.found == 0 ? 0 : copying.copied * kWidth / copying.found;
  std::fprintf(stderr, "\r[%s%s] %llu of %llu files, %.1f MB",
               std::string(done, '#').c_str(),
               std::string(kWidth - done, ' ').c_str(),
               static_cast<unsigned long long>(copying.copied),
               static_cast<unsigned long long>(copying.found),
               static_cast<double>(copying.bytes) / 1e6);
}

Task<> draw_often(Shared copying) {
  auto every = time::interval(std::chrono::milliseconds(100));
  for (;;) {
    co_await every.tick();
    draw(*copying);
  }
}

Task<absl::Status> run(std::string from, std::string to, uint32_t at_once,
                       bool draws) {
  // Into itself it would find what it makes.
  EDDY_CO_RETURN_IF_ERROR(co_await fs::create_dir_all(to));
  EDDY_CO_ASSIGN_OR_RETURN(const std::string source,
                           co_await fs::canonicalize(from));
  EDDY_CO_ASSIGN_OR_RETURN(const std::string target,
                           co_await fs::canonicalize(to));
  if ((target + "/").starts_with(source + "/")) {
    co_return absl::InvalidArgumentError(target + " is inside of " + source);
  }
  const auto copying = std::make_shared<Copying>(at_once);
  if (!draws) {
    co_return co_await copy_all(copying, source, target);
  }
  auto first =
      co_await select(copy_all(copying, source, target), draw_often(copying));
  draw(*copying);
  std::fprintf(stderr, "\n");
  co_return std::get<0>(std::move(first));
}

}  // namespace
}  // namespace eddy::examples

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Copies a folder with all that is in it.");
  absl::FlagsUsageConfig config;
  config.contains_helpshort_flags =
      config.contains_help_flags = [](absl::string_view file) {
        return file.find("examples/") != absl::string_view::npos;
      };
  absl::SetFlagsUsageConfig(config);
  absl::ParseCommandLine(argc, argv);
  const std::string from = absl::GetFlag(FLAGS_from);
  const std::string to = absl::GetFlag(FLAGS_to);
  const uint32_t at_once = absl::GetFlag(FLAGS_at_once);
  if (from.empty() || to.empty() || at_once == 0) {
    std::fprintf(stderr, "name two folders, --from and --to; see --help\n");
    return 1;
  }
  auto runtime = eddy::Builder::current_thread().build();
  if (!runtime.ok()) {
    std::fprintf(stderr, "%s\n", runtime.status().ToString().c_str());
    return 1;
  }
  const bool draws = absl::GetFlag(FLAGS_progress) && ::isatty(STDERR_FILENO);
  const absl::Status status =
      runtime->block_on(eddy::examples::run(from, to, at_once, draws));
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
