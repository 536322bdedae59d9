// The suite "fs": files. What each workload does is in benchmarks/README.md;
// the programs of the peers do the same.

#include "io/fs/fs.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/eddy/runtimes.h"
#include "benchmarks/program/program.h"
#include "benchmarks/workloads/files.h"
#include "io/fs/file.h"
#include "runtime/base/status.h"
#include "runtime/runtime.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::benchmarks {
namespace {

using Bytes = std::shared_ptr<const std::string>;

Task<> join_each(std::vector<JoinHandle<absl::Status>> handles) {
  for (JoinHandle<absl::Status>& handle : handles) {
    expect((co_await handle).value().ok(), "a file");
  }
}

Task<> write_all_files(const Folder& folder, Bytes bytes) {
  std::vector<JoinHandle<absl::Status>> files;
  for (std::size_t i = 0; i < kFiles; ++i) {
    files.push_back(spawn(io::fs::write(folder.file(i), bytes)));
  }
  co_await join_each(std::move(files));
}

Measured fs_write(const Runtime& runtime, const Arguments&) {
  const auto bytes = std::make_shared<const std::string>(contents());
  return time_writes([&](const Folder& folder) {
    runtime.block_on(runtime.spawn(write_all_files(folder, bytes))).value();
  });
}

Task<absl::Status> write_and_sync(std::string path, Bytes bytes) {
  EDDY_CO_ASSIGN_OR_RETURN(io::File file, co_await io::File::create(path));
  auto [count, back] = co_await file.write_at(bytes, 0);
  EDDY_CO_RETURN_IF_ERROR(count.status());
  if (*count != bytes->size()) co_return absl::DataLossError("a short write");
  co_return co_await file.sync_all();
}

Task<> sync_all_files(const Folder& folder, Bytes bytes) {
  std::vector<JoinHandle<absl::Status>> files;
  for (std::size_t i = 0; i < kFiles; ++i) {
    files.push_back(spawn(write_and_sync(folder.file(i), bytes)));
  }
  co_await join_each(std::move(files));
}

Measured fs_fsync(const Runtime& runtime, const Arguments&) {
  const auto bytes = std::make_shared<const std::string>(contents());
  return time_writes([&](const Folder& folder) {
    runtime.block_on(runtime.spawn(sync_all_files(folder, bytes))).value();
  });
}

Task<> read_all_files(const Folder& folder) {
  std::vector<JoinHandle<absl::StatusOr<io::Buffer>>> files;
  for (std::size_t i = 0; i < kFiles; ++i) {
    files.push_back(spawn(io::fs::read(folder.file(i))));
  }
  for (auto& file : files) {
    expect((co_await file).value().value().size() == kFileBytes, "a file");
  }
}

Measured fs_read(const Runtime& runtime, const Arguments&) {
  const Folder folder;
  fill(folder);
  return time_rounds(10 * kRounds, kFiles, [&] {
    runtime.block_on(runtime.spawn(read_all_files(folder))).value();
  });
}

Task<absl::Status> read_pages(const io::File& file, std::size_t seed,
                              std::size_t reads) {
  Places places(seed);
  io::Buffer page(kPage);
  for (std::size_t i = 0; i < reads; ++i) {
    auto [count, back] = co_await file.read_at(std::move(page), places.next());
    EDDY_CO_RETURN_IF_ERROR(count.status());
    if (*count != kPage) co_return absl::DataLossError("a short read");
    page = std::move(back);
  }
  co_return absl::OkStatus();
}

Task<> read_at_random(const io::File& file, std::size_t in_flight,
                      std::size_t each) {
  std::vector<JoinHandle<absl::Status>> readers;
  for (std::size_t i = 0; i < in_flight; ++i) {
    readers.push_back(spawn(read_pages(file, i, each)));
  }
  co_await join_each(std::move(readers));
}

Measured time_random(const Runtime& runtime, io::OpenOptions options,
                     std::size_t in_flight, std::size_t reads) {
  const io::File file =
      *runtime.block_on(io::File::open(large_file(), options.read()));
  const std::size_t each = reads / in_flight;
  const auto run = [&] {
    runtime.block_on(runtime.spawn(read_at_random(file, in_flight, each)))
        .value();
  };
  return time_rounds(1, each * in_flight, run);
}

Measured fs_random(const Runtime& runtime, const Arguments&) {
  return time_random(runtime, io::OpenOptions(), kInFlight, kReads);
}

Measured fs_direct(const Runtime& runtime, const Arguments&) {
  return time_random(runtime, io::OpenOptions().direct(), kDirectInFlight,
                     kDirectReads);
}

}  // namespace
}  // namespace eddy::benchmarks

int main(int argc, char** argv) {
  using namespace eddy::benchmarks;
  return run_program(argc, argv,
                     on_each_flavor("fs", {
                                              {"fs_write_100", fs_write},
                                              {"fs_fsync_100", fs_fsync},
                                              {"fs_read_100", fs_read},
                                              {"fs_random_4k", fs_random},
                                              {"fs_direct_4k", fs_direct},
                                          }));
}
