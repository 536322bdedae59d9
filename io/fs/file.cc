#include "io/fs/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "io/fs/calls.h"
#include "io/fs/file_operation.h"
#include "io/fs/job.h"
#include "io/fs/open_operation.h"
#include "io/fs/run.h"
#include "io/fs/stat_operation.h"
#include "io/fs/writer_arrival.h"
#include "io/retry.h"
#include "runtime/base/check.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Prefer;

// Gives the fd, or the negative errno.
class Opening {
 public:
  using Output = int64_t;

  Opening(std::unique_ptr<OpenOperation> operation, Backend backend)
      : operation_(std::move(operation)), backend_(backend) {}

  Poll<int64_t> poll(Context& cx) {
    if (!run_ && !writer_) {
      if (!cx.has_budget()) return cx.yield();
      if (backend_ == Backend::kAutomatic) {
        const int64_t result = operation_->open_at_once();
        cx.spend();
        if (result != -EAGAIN) return result;
      }
      if (operation_->pipe() >= 0) {
        writer_.emplace(operation_->pipe());
      } else {
        run_.emplace(std::move(operation_), choose(FileCall::kOpen, backend_));
      }
    }
    if (run_) return run_->poll(cx);
    Poll<int64_t> arrived = writer_->poll(cx);
    if (arrived.is_pending() || *arrived < 0) return arrived;
    return operation_->take_pipe();
  }

 private:
  std::unique_ptr<OpenOperation> operation_;  // until there is a Run
  const Backend backend_;
  std::optional<Run<OpenOperation>> run_;
  std::optional<WriterArrival> writer_;  // ends before the pipe may
};

class WritesEnded {
 public:
  using Output = void;
  explicit WritesEnded(OpenFile& file) : file_(file) {}
  Poll<void> poll(Context& cx) { return file_.writes.poll_none(cx); }

 private:
  OpenFile& file_;
};

Task<absl::Status> run_on(std::shared_ptr<OpenFile> file, FileCall call,
                          FileOperation::Kind kind, uint64_t offset = 0,
                          uint64_t size = 0, int argument = 0) {
  auto operation =
      std::make_unique<FileOperation>(kind, file, offset, size, argument);
  const Prefer prefer =
      operation->needs_pool() ? Prefer::kPool : file->prefer(call);
  Run run(std::move(operation), prefer);
  const int64_t result = co_await run;
  co_return run.operation().status(result);
}

Task<absl::StatusOr<Metadata>> metadata_task(std::shared_ptr<OpenFile> file) {
  Run run(std::make_unique<StatOperation>(file),
          file->prefer(FileCall::kMetadata));
  const int64_t result = co_await run;
  co_return run.operation().metadata(result);
}

Task<absl::StatusOr<uint64_t>> seek_task(std::shared_ptr<OpenFile> file,
                                         SeekFrom to) {
  EDDY_CHECK(!file->cursor.in_use,
             "seek() while a read() or write() is pending: await that first");
  uint64_t& position = file->cursor.position;
  uint64_t base = 0;
  if (to.base == SeekFrom::Base::kCurrent) base = position;
  if (to.base == SeekFrom::Base::kEnd) {
    Job job("seek", [file]() -> absl::StatusOr<uint64_t> {
      const off_t end =
          retry([&] { return sys().lseek(file->fd(), 0, SEEK_END); });
      if (end < 0) return file->error(errno, "seek");
      return static_cast<uint64_t>(end);
    });
    EDDY_CO_ASSIGN_OR_RETURN(base, co_await job);
  }
  if (position == kNoOffset) co_return file->error(ESPIPE, "seek");
  int64_t target;
  if (__builtin_add_overflow(static_cast<int64_t>(base), to.delta, &target) ||
      target < 0) {
    co_return file->error(EINVAL, "seek");
  }
  co_return position = static_cast<uint64_t>(target);
}

Task<absl::Status> close_task(std::shared_ptr<OpenFile> file) {
  WritesEnded writes(*file);
  co_await writes;
  // What is still in flight closes it.
  if (file.use_count() != 1) co_return absl::OkStatus();
  Job job("close",
          [fd = OwnedFd(file->release_fd()), file]() mutable -> absl::Status {
            if (close_now(fd.release()) == 0) return absl::OkStatus();
            return file->error(errno, "close");
          });
  co_return co_await job;
}

int to_native(Advice advice) {
  switch (advice) {
    case Advice::kNormal:
      return POSIX_FADV_NORMAL;
    case Advice::kSequential:
      return POSIX_FADV_SEQUENTIAL;
    case Advice::kRandom:
      return POSIX_FADV_RANDOM;
    case Advice::kWillNeed:
      return POSIX_FADV_WILLNEED;
    case Advice::kDontNeed:
      break;
  }
  return POSIX_FADV_DONTNEED;
}

}  // namespace

class FileOpener {
 public:
  static Task<absl::StatusOr<File>> open(std::shared_ptr<OpenFile> root,
                                         absl::StatusOr<Path> path,
                                         OpenOptions options,
                                         uint64_t resolve) {
    if (!path.ok()) co_return path.status();
    const std::optional<int> flags = options.flags();
    if (!flags) co_return path->error(EINVAL, "open with these options:");
    const bool makes =
        (*flags & O_CREAT) != 0 || (*flags & O_TMPFILE) == O_TMPFILE;
    open_how how = {};
    how.flags = static_cast<uint64_t>(*flags);
    how.mode = makes ? options.mode() : 0;
    how.resolve = resolve;
    Opening opening(
        std::make_unique<OpenOperation>(std::move(root), *path, how),
        options.backend());
    const int64_t fd = co_await opening;
    if (fd < 0) co_return path->error(static_cast<int>(-fd), "open");
    co_return File(std::make_shared<OpenFile>(OwnedFd(static_cast<int>(fd)),
                                              *std::move(path), *flags,
                                              options.backend()));
  }

  static absl::StatusOr<File> clone(const OpenFile& file) {
    OwnedFd fd(
        retry([&] { return sys().fcntl(file.fd(), F_DUPFD_CLOEXEC, 0); }));
    if (!fd.is_open()) return file.error(errno, "clone");
    auto copy = std::make_shared<OpenFile>(std::move(fd), file.path(),
                                           file.flags(), file.backend());
    copy->cursor.position = file.cursor.position;
    return File(std::move(copy));
  }
};

Task<absl::StatusOr<File>> File::open(std::string_view path) {
  return open(path, OpenOptions().read());
}

Task<absl::StatusOr<File>> File::open(std::string_view path,
                                      OpenOptions options) {
  return FileOpener::open(nullptr, Path::from("open", path), options, 0);
}

Task<absl::StatusOr<File>> File::create(std::string_view path) {
  return open(path, OpenOptions().write().create().truncate());
}

Task<absl::StatusOr<File>> File::open_beneath(const File& root,
                                              std::string_view path,
                                              OpenOptions options) {
  return FileOpener::open(root.file_, Path::from("open", path), options,
                          RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

Task<absl::StatusOr<uint64_t>> File::seek(SeekFrom to) {
  return seek_task(file_, to);
}

Task<absl::Status> File::sync_all() {
  return run_on(file_, FileCall::kSync, FileOperation::Kind::kSyncAll);
}

Task<absl::Status> File::sync_data() {
  return run_on(file_, FileCall::kSync, FileOperation::Kind::kSyncData);
}

Task<absl::Status> File::set_len(uint64_t size) {
  return run_on(file_, FileCall::kSpace, FileOperation::Kind::kSetSize, 0,
                size);
}

Task<absl::Status> File::fallocate(uint64_t offset, uint64_t size, int mode) {
  return run_on(file_, FileCall::kSpace, FileOperation::Kind::kAllocate, offset,
                size, mode);
}

Task<absl::Status> File::advise(uint64_t offset, uint64_t size, Advice advice) {
  return run_on(file_, FileCall::kSpace, FileOperation::Kind::kAdvise, offset,
                size, to_native(advice));
}

Task<absl::StatusOr<Metadata>> File::metadata() const {
  return metadata_task(file_);
}

absl::StatusOr<Metadata> File::cached_metadata() const {
  struct statx raw;
  if (retry([&] {
        return sys().statx(file_->fd(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
                           STATX_BASIC_STATS | STATX_BTIME, &raw);
      }) != 0) {
    return file_->error(errno, "metadata");
  }
  return Metadata(raw);
}

Task<absl::Status> File::set_permissions(mode_t mode) {
  return run_on(file_, FileCall::kMetadata, FileOperation::Kind::kSetMode, 0, 0,
                static_cast<int>(mode));
}

absl::StatusOr<File> File::try_clone() const {
  return FileOpener::clone(*file_);
}

Task<absl::Status> File::close() && { return close_task(std::move(file_)); }

}  // namespace eddy::io
