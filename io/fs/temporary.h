// Temporary files and folders.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto folder,
//                            co_await eddy::io::TempDir::create());
//   EDDY_CO_RETURN_IF_ERROR(
//       co_await eddy::io::fs::write(folder.path() + "/a", text));
//   co_return co_await std::move(folder).remove();
//
// Threads, Errors: see fs.h.
// Owner:   a TempDir, its folder and all that is in it; a file without a name
//          is gone when it is closed.
#ifndef EDDY_IO_FS_TEMPORARY_H_
#define EDDY_IO_FS_TEMPORARY_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/fs/file.h"
#include "runtime/task/task.h"

namespace eddy::io {

class TempDir {
 public:
  // In $TMPDIR, or else /tmp: "<prefix>" and something that makes it new, for
  // this user alone.
  static Task<absl::StatusOr<TempDir>> create(
      std::string_view prefix = "eddy-");

  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  // Removes it: by a thread that may block if there is a runtime, which nobody
  // waits for; else at once.
  ~TempDir();

  const std::string& path() const { return path_; }

  // Removes it, and tells what has gone wrong.
  Task<absl::Status> remove() &&;
  // It stays. Gives the path.
  std::string keep() && { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty after a move
};

namespace fs {
// To read and write, in $TMPDIR, or else /tmp, and without a name.
Task<absl::StatusOr<File>> temp_file();
}  // namespace fs

}  // namespace eddy::io

#endif  // EDDY_IO_FS_TEMPORARY_H_
