// Folders with all that is above or in them, as jobs make and remove them.
//
// Threads: any that may block.
// Errors:  see fs.h.
#ifndef EDDY_IO_FS_FOLDERS_H_
#define EDDY_IO_FS_FOLDERS_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "io/fs/path.h"

namespace eddy::io {

absl::Status make_folders(const Path& path, mode_t mode);
absl::Status remove_folders(const Path& path);

}  // namespace eddy::io

#endif  // EDDY_IO_FS_FOLDERS_H_
