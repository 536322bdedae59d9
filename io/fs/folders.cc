#include "io/fs/folders.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "io/fs/calls.h"
#include "io/fs/dirents.h"
#include "io/retry.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;

bool is_folder(const char* path) {
  struct statx info;
  return retry([&] {
           return sys().statx(AT_FDCWD, path, 0, STATX_TYPE, &info);
         }) == 0 &&
         S_ISDIR(info.stx_mode);
}

// Made, or there already: an errno if neither.
int make_folder(const std::string& path, mode_t mode) {
  if (retry([&] { return sys().mkdirat(AT_FDCWD, path.c_str(), mode); }) == 0) {
    return 0;
  }
  const int err = errno;
  // Not only EEXIST: a mount that is read-only says EROFS of one that exists.
  if (err == ENOENT || err == ENOTDIR) return err;
  return is_folder(path.c_str()) ? 0 : err;
}

// Removes what is in the folder. By fds and not by names, so that nobody can
// put a symlink in our way. `path` is for messages.
absl::Status empty_folder(int folder, const std::string& path);

absl::Status remove_entry(int folder, const dirent64& entry,
                          const std::string& path) {
  const char* name = entry.d_name;
  const auto unlink = [&](int flags) {
    return retry([&] { return sys().unlinkat(folder, name, flags); });
  };
  if (entry.d_type != DT_DIR) {
    if (unlink(0) == 0 || errno == ENOENT) return absl::OkStatus();
    // What a file system that tells no types says of a folder.
    if (errno != EISDIR) return errno_status(errno, "remove " + shown(path));
  }
  {
    const OwnedFd below =
        open_at(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!below.is_open()) {
      if (errno == ENOENT) return absl::OkStatus();
      return errno_status(errno, "remove " + shown(path));
    }
    EDDY_RETURN_IF_ERROR(empty_folder(below.get(), path));
  }
  if (unlink(AT_REMOVEDIR) == 0 || errno == ENOENT) return absl::OkStatus();
  return errno_status(errno, "remove " + shown(path));
}

absl::Status empty_folder(int folder, const std::string& path) {
  Dirents entries;
  for (;;) {
    const ssize_t count = entries.fetch(folder);
    // ENOENT: somebody else has removed it.
    if (count == 0 || (count < 0 && errno == ENOENT)) return absl::OkStatus();
    if (count < 0) return errno_status(errno, "read folder " + shown(path));
    while (const dirent64* entry = entries.next()) {
      EDDY_RETURN_IF_ERROR(
          remove_entry(folder, *entry, path + "/" + entry->d_name));
    }
  }
}

}  // namespace

absl::Status make_folders(const Path& path, mode_t mode) {
  const std::string& text = path.text();
  // From the end up to what is there, and then down again.
  size_t end = text.size();
  for (;;) {
    const int err = make_folder(text.substr(0, end), mode);
    if (err == 0) break;
    if (err != ENOENT) return path.error(err, "create folder");
    while (end > 0 && text[end - 1] == '/') --end;
    while (end > 0 && text[end - 1] != '/') --end;
    if (end == 0) return path.error(err, "create folder");
  }
  while (end < text.size()) {
    while (end < text.size() && text[end] == '/') ++end;
    while (end < text.size() && text[end] != '/') ++end;
    if (const int err = make_folder(text.substr(0, end), mode); err != 0) {
      return path.error(err, "create folder");
    }
  }
  return absl::OkStatus();
}

absl::Status remove_folders(const Path& path) {
  {
    const OwnedFd folder =
        open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder.is_open()) return path.error(errno, "remove folder");
    EDDY_RETURN_IF_ERROR(empty_folder(folder.get(), path.text()));
  }
  if (retry([&] {
        return sys().unlinkat(AT_FDCWD, path.c_str(), AT_REMOVEDIR);
      }) == 0 ||
      errno == ENOENT) {
    return absl::OkStatus();
  }
  return path.error(errno, "remove folder");
}

}  // namespace eddy::io
