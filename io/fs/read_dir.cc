#include "io/fs/read_dir.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "io/fs/calls.h"
#include "io/fs/dirents.h"
#include "io/fs/job.h"
#include "io/fs/path.h"
#include "io/owned_fd.h"
#include "runtime/base/status.h"

namespace eddy::io {
namespace {

using Output = absl::StatusOr<std::optional<DirEntry>>;

// What the folder is, and the entries that were fetched last. A job has it
// while it fetches more.
struct Batch {
  Path path;
  OwnedFd fd;
  Dirents entries = {};
  bool is_last = false;
  int error = 0;
};

class Fetch {
 public:
  explicit Fetch(std::unique_ptr<Batch> batch) : batch_(std::move(batch)) {}

  absl::StatusOr<std::unique_ptr<Batch>> operator()() {
    const ssize_t count = batch_->entries.fetch(batch_->fd.get());
    batch_->error = count < 0 ? errno : 0;
    batch_->is_last = count == 0;
    return std::move(batch_);
  }

 private:
  std::unique_ptr<Batch> batch_;
};

FileType type_of(const dirent64& entry) {
  return file_type_of(static_cast<mode_t>(DTTOIF(entry.d_type)));
}

}  // namespace

// The fetch is here and not in Next, so that one which is dropped loses
// nothing.
struct ReadDir::State {
  std::unique_ptr<Batch> batch;  // null while there is a fetch
  std::optional<Job<Fetch>> fetch;
  absl::Status failure;  // of a fetch that took the batch with it
};

ReadDir::ReadDir(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReadDir::ReadDir(ReadDir&&) noexcept = default;
ReadDir& ReadDir::operator=(ReadDir&&) noexcept = default;
ReadDir::~ReadDir() = default;

Poll<Output> ReadDir::poll_next(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  State& state = *state_;
  for (;;) {
    if (state.fetch) {
      Poll<absl::StatusOr<std::unique_ptr<Batch>>> poll = state.fetch->poll(cx);
      if (poll.is_pending()) return kPending;
      state.fetch.reset();
      if (poll->ok()) {
        state.batch = **std::move(poll);
      } else {
        state.failure = poll->status();
      }
    }
    if (!state.failure.ok()) return Output(state.failure);
    Batch& batch = *state.batch;
    if (const int error = std::exchange(batch.error, 0); error != 0) {
      return Output(batch.path.error(error, "read folder"));
    }
    if (const dirent64* entry = batch.entries.next()) {
      cx.spend();
      return Output(DirEntry(entry->d_name, type_of(*entry), entry->d_ino));
    }
    if (batch.is_last) return Output(std::nullopt);
    state.fetch.emplace("read folder", Fetch(std::move(state.batch)));
  }
}

Task<absl::StatusOr<ReadDir>> ReadDir::open(std::string_view path) {
  static constexpr auto open_task =
      [](absl::StatusOr<Path> path) -> Task<absl::StatusOr<ReadDir>> {
    if (!path.ok()) co_return path.status();
    Job job(
        "open folder",
        [path = *std::move(path)]() -> absl::StatusOr<std::unique_ptr<Batch>> {
          OwnedFd fd = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
          if (!fd.is_open()) return path.error(errno, "open folder");
          // The first entries come along.
          return Fetch(std::make_unique<Batch>(path, std::move(fd)))();
        });
    EDDY_CO_ASSIGN_OR_RETURN(std::unique_ptr<Batch> batch, co_await job);
    auto state = std::make_unique<State>();
    state->batch = std::move(batch);
    co_return ReadDir(std::move(state));
  };
  return open_task(Path::from("open folder", path));
}

}  // namespace eddy::io
