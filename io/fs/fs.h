// eddy::io::fs: what is done to files by their names.
//
//   eddy::Task<absl::Status> publish(std::string text) {
//     namespace fs = eddy::io::fs;
//     EDDY_CO_RETURN_IF_ERROR(co_await fs::create_dir_all("site/news"));
//     EDDY_CO_RETURN_IF_ERROR(
//         co_await fs::write("site/news/.today", std::move(text)));
//     co_return co_await fs::rename("site/news/.today", "site/news/today");
//   }
//
// None of this blocks the caller's thread; docs/files.md says which way each
// takes.
//
// Threads: any, inside a runtime.
// Cancel:  one that is dropped before it has started does nothing; else it goes
//          on to its end, and nobody hears of it.
// Errors:  of the system call that failed, with the path in the message;
//          errno_of(status) has the errno. EINVAL: a path with a NUL.
//          kCancelled: the runtime has shut down.
// Owner:   paths are copied.
//
// What takes a Backend can be told who carries it out.
#ifndef EDDY_IO_FS_FS_H_
#define EDDY_IO_FS_FS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/fs/backend.h"
#include "io/fs/metadata.h"
#include "io/fs/read_dir.h"
#include "io/fs/whole_file.h"
#include "runtime/task/task.h"

namespace eddy::io::fs {

// Replaces `to` if it is there; both are on one file system.
Task<absl::Status> rename(std::string_view from, std::string_view to,
                          Backend backend = Backend::kAutomatic);
// A file or a symlink, not a folder.
Task<absl::Status> remove_file(std::string_view path,
                               Backend backend = Backend::kAutomatic);

Task<absl::Status> create_dir(std::string_view path, mode_t mode = 0777,
                              Backend backend = Backend::kAutomatic);
// With those above it that are missing. One that is there already is all right.
Task<absl::Status> create_dir_all(std::string_view path, mode_t mode = 0777);
// An empty one.
Task<absl::Status> remove_dir(std::string_view path,
                              Backend backend = Backend::kAutomatic);
// With all that is in it. Symlinks are removed, not followed. What comes in
// meanwhile is ENOTEMPTY, and what goes meanwhile is all right, the folder
// itself included; if there is none to begin with, that is ENOENT.
Task<absl::Status> remove_dir_all(std::string_view path);

// Makes `link`, which says `target`, whatever that is.
Task<absl::Status> symlink(std::string_view target, std::string_view link,
                           Backend backend = Backend::kAutomatic);
// Makes `link` another name of the file `original`.
Task<absl::Status> hard_link(std::string_view original, std::string_view link,
                             Backend backend = Backend::kAutomatic);
Task<absl::StatusOr<std::string>> read_link(std::string_view path);
// The absolute path without symlinks, "." and "..".
Task<absl::StatusOr<std::string>> canonicalize(std::string_view path);

Task<absl::StatusOr<Metadata>> metadata(std::string_view path,
                                        Backend backend = Backend::kAutomatic);
// Of a symlink itself.
Task<absl::StatusOr<Metadata>> symlink_metadata(
    std::string_view path, Backend backend = Backend::kAutomatic);
Task<absl::Status> set_permissions(std::string_view path, mode_t mode);
// False if there is none; a failure if that can't be known.
Task<absl::StatusOr<bool>> exists(std::string_view path);

}  // namespace eddy::io::fs

#endif  // EDDY_IO_FS_FS_H_
