#include "io/fs/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "io/fs/folders.h"
#include "io/fs/job.h"
#include "io/fs/name_operation.h"
#include "io/fs/path.h"
#include "io/fs/run.h"
#include "io/fs/stat_operation.h"
#include "io/retry.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io::fs {
namespace {

using base::sys;
using Kind = NameOperation::Kind;

Task<absl::Status> change(Kind kind, absl::StatusOr<Path> path, mode_t mode,
                          Backend backend) {
  if (!path.ok()) co_return path.status();
  Run run(std::make_unique<NameOperation>(kind, *std::move(path), mode),
          choose(FileCall::kName, backend));
  const int64_t result = co_await run;
  co_return run.operation().status(result);
}

Task<absl::Status> change(Kind kind, absl::StatusOr<Path> path,
                          absl::StatusOr<Path> second, Backend backend) {
  if (!path.ok()) co_return path.status();
  if (!second.ok()) co_return second.status();
  Run run(std::make_unique<NameOperation>(kind, *std::move(path),
                                          *std::move(second)),
          choose(FileCall::kName, backend));
  const int64_t result = co_await run;
  co_return run.operation().status(result);
}

Task<absl::StatusOr<Metadata>> stat(absl::StatusOr<Path> path,
                                    StatOperation::Links links,
                                    Backend backend) {
  if (!path.ok()) co_return path.status();
  Run run(std::make_unique<StatOperation>(*std::move(path), links),
          choose(FileCall::kMetadata, backend));
  const int64_t result = co_await run;
  co_return run.operation().metadata(result);
}

// A job that gets a path which is one.
template <class Output, class Body>
Task<Output> with_path(const char* what, absl::StatusOr<Path> path, Body body) {
  if (!path.ok()) co_return path.status();
  Job job(what, [path = *std::move(path), body = std::move(body)]() -> Output {
    return body(path);
  });
  co_return co_await job;
}

absl::StatusOr<std::string> link_text(const Path& path) {
  std::string text(256, '\0');
  for (;;) {
    const ssize_t size = retry([&] {
      return sys().readlinkat(AT_FDCWD, path.c_str(), text.data(), text.size());
    });
    if (size < 0) return path.error(errno, "read link");
    if (static_cast<size_t>(size) < text.size()) {
      text.resize(static_cast<size_t>(size));
      return text;
    }
    text.resize(text.size() * 2);
  }
}

absl::StatusOr<std::string> real_path(const Path& path) {
  std::string text(PATH_MAX, '\0');
  char* found;
  do {
    found = sys().realpath(path.c_str(), text.data());
  } while (found == nullptr && errno == EINTR);
  if (found == nullptr) return path.error(errno, "canonicalize");
  text.resize(text.find('\0'));
  return text;
}

Task<absl::StatusOr<bool>> exists_task(std::string path) {
  const absl::StatusOr<Metadata> found = co_await metadata(path);
  if (found.ok()) co_return true;
  const int err = errno_of(found.status());
  if (err == ENOENT || err == ENOTDIR) co_return false;
  co_return found.status();
}

}  // namespace

Task<absl::Status> rename(std::string_view from, std::string_view to,
                          Backend backend) {
  return change(Kind::kRename, Path::from("rename", from),
                Path::from("rename to", to), backend);
}

Task<absl::Status> remove_file(std::string_view path, Backend backend) {
  return change(Kind::kRemoveFile, Path::from("remove file", path), mode_t{0},
                backend);
}

Task<absl::Status> create_dir(std::string_view path, mode_t mode,
                              Backend backend) {
  return change(Kind::kMakeFolder, Path::from("create folder", path), mode,
                backend);
}

Task<absl::Status> create_dir_all(std::string_view path, mode_t mode) {
  return with_path<absl::Status>(
      "create folder", Path::from("create folder", path),
      [mode](const Path& path) { return make_folders(path, mode); });
}

Task<absl::Status> remove_dir(std::string_view path, Backend backend) {
  return change(Kind::kRemoveFolder, Path::from("remove folder", path),
                mode_t{0}, backend);
}

Task<absl::Status> remove_dir_all(std::string_view path) {
  return with_path<absl::Status>(
      "remove folder", Path::from("remove folder", path), remove_folders);
}

Task<absl::Status> symlink(std::string_view target, std::string_view link,
                           Backend backend) {
  return change(Kind::kSymlink, Path::from("symlink", target),
                Path::from("symlink", link), backend);
}

Task<absl::Status> hard_link(std::string_view original, std::string_view link,
                             Backend backend) {
  return change(Kind::kHardLink, Path::from("hard link", original),
                Path::from("hard link", link), backend);
}

Task<absl::StatusOr<std::string>> read_link(std::string_view path) {
  return with_path<absl::StatusOr<std::string>>(
      "read link", Path::from("read link", path), link_text);
}

Task<absl::StatusOr<std::string>> canonicalize(std::string_view path) {
  return with_path<absl::StatusOr<std::string>>(
      "canonicalize", Path::from("canonicalize", path), real_path);
}

Task<absl::StatusOr<Metadata>> metadata(std::string_view path,
                                        Backend backend) {
  return stat(Path::from("metadata", path), StatOperation::Links::kFollow,
              backend);
}

Task<absl::StatusOr<Metadata>> symlink_metadata(std::string_view path,
                                                Backend backend) {
  return stat(Path::from("metadata", path), StatOperation::Links::kKeep,
              backend);
}

Task<absl::Status> set_permissions(std::string_view path, mode_t mode) {
  return with_path<absl::Status>(
      "set permissions", Path::from("set permissions of", path),
      [mode](const Path& path) -> absl::Status {
        if (retry([&] { return sys().chmod(path.c_str(), mode); }) == 0) {
          return absl::OkStatus();
        }
        return path.error(errno, "set permissions of");
      });
}

Task<absl::StatusOr<bool>> exists(std::string_view path) {
  return exists_task(std::string(path));
}

}  // namespace eddy::io::fs
