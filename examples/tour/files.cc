// A write to a file blocks its thread, whatever epoll may say. io::fs has it
// done by others; the thread of the runtime goes on, which a task that ticks
// shows.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "examples/tour/acts.h"
#include "examples/tour/ticker.h"
#include "io/fs/fs.h"
#include "io/fs/temporary.h"
#include "runtime/base/status.h"
#include "runtime/builder.h"
#include "runtime/spawn.h"
#include "runtime/task/join_handle.h"
#include "runtime/task/task.h"

namespace eddy::examples::tour {
namespace {

constexpr int kFiles = 100;
constexpr std::size_t kFileBytes = 1'000'000;
constexpr std::size_t kRounds = 3;
constexpr char kPrefix[] = "eddy-tour-";

using Bytes = std::shared_ptr<const std::string>;

std::string file_in(const io::TempDir& folder, int index) {
  return folder.path() + "/" + std::to_string(index);
}

absl::Status write_file(const std::string& path, std::string_view bytes) {
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return errno_status(errno, "create " + path);
  absl::Status status;
  while (!bytes.empty() && status.ok()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      status = errno_status(errno, "write " + path);
    }
  }
  ::close(fd);
  return status;
}

// The bytes are shared, and not copied a hundred times.
Task<absl::Status> write_by_tasks(const io::TempDir& folder, Bytes bytes) {
  std::vector<JoinHandle<absl::Status>> files;
  for (int i = 0; i < kFiles; ++i) {
    files.push_back(spawn(io::fs::write(file_in(folder, i), bytes)));
  }
  absl::Status status;
  for (auto& file : files) status.Update((co_await file).value());
  co_return status;
}

absl::Status write_by_threads(const io::TempDir& folder,
                              std::string_view bytes) {
  std::vector<absl::Status> statuses(kFiles);
  std::vector<std::thread> threads;
  for (int i = 0; i < kFiles; ++i) {
    threads.emplace_back([&, i] {
      statuses[static_cast<std::size_t>(i)] =
          write_file(file_in(folder, i), bytes);
    });
  }
  absl::Status status;
  for (std::thread& thread : threads) thread.join();
  for (absl::Status& one : statuses) status.Update(std::move(one));
  return status;
}

using Times = std::array<std::chrono::nanoseconds, kRounds>;

std::string median(Times times) {
  std::sort(times.begin(), times.end());
  return in_words(times[kRounds / 2]);
}

}  // namespace

absl::Status play_files(Report& report) {
  report.section("100 files of 1 MB, written by one thread (medians of 3)");
  const auto bytes = std::make_shared<const std::string>(kFileBytes, 'e');
  Times by_tasks;
  Times by_threads;
  Times latest;
  std::size_t pool_threads = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    report.progress("100 files of 1 MB, round " + std::to_string(round + 1));
    EDDY_ASSIGN_OR_RETURN(const Runtime runtime,
                          Builder::current_thread().build());
    {
      EDDY_ASSIGN_OR_RETURN(const io::TempDir folder,
                            runtime.block_on(io::TempDir::create(kPrefix)));
      auto [status, time, lateness] =
          runtime.block_on(tick_while(write_by_tasks(folder, bytes)));
      by_tasks[round] = time;
      if (!status.ok()) return std::move(status);
      latest[round] = lateness.worst;
      pool_threads =
          std::max(pool_threads, runtime.metrics().blocking.peak_threads);
    }
    EDDY_ASSIGN_OR_RETURN(const io::TempDir folder,
                          runtime.block_on(io::TempDir::create(kPrefix)));
    const Stopwatch watch;
    EDDY_RETURN_IF_ERROR(write_by_threads(folder, *bytes));
    by_threads[round] = watch.wall();
  }
  report.row("a one-thread runtime, io::fs::write() for each file",
             median(by_tasks));
  report.row("100 threads, one for each file", median(by_threads));
  report.row("threads that the blocking pool started",
             std::to_string(pool_threads));
  report.row("meanwhile a 1 ms tick of the one thread was late by",
             median(latest) + " at most");
  return absl::OkStatus();
}

}  // namespace eddy::examples::tour
