// What each operation on a file costs by the ring and by the pool, on a runtime
// of one thread: what io/fs/backend.h chooses by. The table of docs/files.md.
//
//   ./bazelw run -c opt //benchmarks/files:backends
//
// Each line is the median of five rounds, of many operations at a time; the
// backends take turns. Files are in $TMPDIR, or else /tmp.

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/program/program.h"
#include "io/fs/file.h"
#include "io/fs/fs.h"
#include "io/fs/temporary.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks {
namespace {

using io::Backend;
using io::Buffer;
using io::File;
using io::OpenOptions;
namespace fs = io::fs;

constexpr std::size_t kMany = 1000;
constexpr std::size_t kLarge = std::size_t{1} << 20;
constexpr int kRounds = 5;

// One operation; `i` tells them apart.
using Operation =
    std::function<Task<absl::Status>(std::size_t i, Backend backend)>;

struct Row {
  const char* name;
  std::size_t operations;
  std::size_t at_once;
  Operation operation;
  Operation prepare = nullptr;  // before each, not timed
};

Task<> run_some(const Operation& operation, std::size_t first, std::size_t step,
                std::size_t end, Backend backend) {
  for (std::size_t i = first; i < end; i += step) {
    const absl::Status status = co_await operation(i, backend);
    expect(status.ok(), status.ToString());
  }
}

Task<> run_all(const Operation& operation, std::size_t operations,
               std::size_t at_once, Backend backend) {
  std::vector<JoinHandle<void>> tasks;
  for (std::size_t i = 0; i < at_once; ++i) {
    tasks.push_back(
        spawn(run_some(operation, i, at_once, operations, backend)));
  }
  for (auto& task : tasks) (co_await task).value();
}

double microseconds(const Runtime& runtime, const Row& row, Backend backend) {
  if (row.prepare) {
    runtime.block_on(run_all(row.prepare, row.operations, 1, Backend::kPool));
  }
  const Stopwatch watch;
  runtime.block_on(
      run_all(row.operation, row.operations, row.at_once, backend));
  const Measured measured = watch.stop(row.operations);
  return static_cast<double>(measured.wall.count()) / 1e3 /
         static_cast<double>(row.operations);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

absl::Status only(absl::StatusOr<std::size_t> count, std::size_t expected) {
  if (count.ok()) expect(*count == expected, "a whole transfer");
  return count.status();
}

Task<absl::Status> write_large(std::string path,
                               std::shared_ptr<const std::string> bytes,
                               Backend backend, bool sync) {
  EDDY_CO_ASSIGN_OR_RETURN(
      File file,
      co_await File::open(
          path, OpenOptions().write().create().truncate().backend(backend)));
  auto [count, back] = co_await file.write_at(bytes, 0);
  EDDY_CO_RETURN_IF_ERROR(only(std::move(count), kLarge));
  if (sync) co_return co_await file.sync_all();
  co_return absl::OkStatus();
}

Task<absl::Status> read_page(const File& file, std::size_t page) {
  auto [count, back] = co_await file.read_at(Buffer(4096), page * 4096);
  co_return only(std::move(count), 4096);
}

Task<absl::Status> drop_pages(std::string path) {
  EDDY_CO_ASSIGN_OR_RETURN(File file, co_await File::open(path));
  co_return co_await file.advise(0, 0, io::Advice::kDontNeed);
}

void measure() {
  const Runtime runtime = *Builder::current_thread().build();
  const io::TempDir folder = *runtime.block_on(io::TempDir::create());
  const auto at = [&](std::string name) { return folder.path() + "/" + name; };
  const auto numbered = [&](std::size_t i) { return at(std::to_string(i)); };
  const auto bytes = std::make_shared<const std::string>(kLarge, 'b');
  const std::string large = at("large");
  expect(
      runtime.block_on(fs::write(large, std::string(kMany * 4096, 'l'))).ok(),
      "write " + large);
  runtime.block_on([](std::string path) -> Task<> {
    File file = *co_await File::open(path, OpenOptions().write());
    (void)co_await file.sync_all();
  }(large));
  const auto open = [&](Backend backend, bool direct) {
    return *runtime.block_on(File::open(
        large, OpenOptions().read().direct(direct).backend(backend)));
  };
  const std::vector<Backend> backends = {Backend::kAutomatic, Backend::kRing,
                                         Backend::kPool};
  std::vector<File> cached, direct;
  for (Backend backend : backends) {
    cached.push_back(open(backend, false));
    direct.push_back(open(backend, true));
  }
  const auto of = [](std::vector<File>& files) {
    return [&files](std::size_t i, Backend backend) {
      return read_page(files[static_cast<std::size_t>(backend)], i);
    };
  };
  const Operation touch = [&](std::size_t i, Backend) {
    return fs::write(numbered(i), "x");
  };
  const Operation drop = [&](std::size_t i, Backend) -> Task<absl::Status> {
    static constexpr auto nothing = []() -> Task<absl::Status> {
      co_return absl::OkStatus();
    };
    return i == 0 ? drop_pages(large) : nothing();
  };
  const std::vector<Row> rows = {
      {"read 4 KiB of the page cache", kMany, 64, of(cached)},
      {"read 4 KiB, not in the page cache", kMany, 64, of(cached), drop},
      {"read 4 KiB, direct, 32 at once", kMany, 32, of(direct)},
      {"write 1 MiB to a new file, 100 at once", 100, 100,
       [&](std::size_t i, Backend backend) {
         return write_large(numbered(i), bytes, backend, false);
       }},
      {"the same and fsync", 100, 100,
       [&](std::size_t i, Backend backend) {
         return write_large(numbered(i), bytes, backend, true);
       }},
      {"open and close", kMany, 64,
       [&](std::size_t, Backend backend) -> Task<absl::Status> {
         static constexpr auto open_one =
             [](std::string path, Backend backend) -> Task<absl::Status> {
           co_return (
               co_await File::open(path, OpenOptions().read().backend(backend)))
               .status();
         };
         return open_one(large, backend);
       }},
      {"metadata of a path", kMany, 64,
       [&](std::size_t, Backend backend) -> Task<absl::Status> {
         static constexpr auto stat =
             [](std::string path, Backend backend) -> Task<absl::Status> {
           co_return (co_await fs::metadata(path, backend)).status();
         };
         return stat(large, backend);
       }},
      {"remove a file", kMany, 64,
       [&](std::size_t i, Backend backend) {
         return fs::remove_file(numbered(i), backend);
       },
       touch},
  };
  std::printf("%-42s %10s %10s %10s   us per operation\n", "", "automatic",
              "ring", "pool");
  for (const Row& row : rows) {
    std::vector<std::vector<double>> times(backends.size());
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t i = 0; i < backends.size(); ++i) {
        times[i].push_back(microseconds(runtime, row, backends[i]));
      }
    }
    std::printf("%-42s %10.2f %10.2f %10.2f\n", row.name, median(times[0]),
                median(times[1]), median(times[2]));
  }
}

}  // namespace
}  // namespace eddy::benchmarks

int main() { eddy::benchmarks::measure(); }
