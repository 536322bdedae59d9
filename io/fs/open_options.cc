#include "io/fs/open_options.h"

#include <fcntl.h>

namespace eddy::io {

std::optional<int> OpenOptions::flags() const {
  const bool writes = write_ || append_;
  if (!read_ && !writes) return std::nullopt;
  if ((create_ || create_new_) && !writes) return std::nullopt;
  if (truncate_ && (!write_ || append_) && !create_new_) return std::nullopt;
  int flags = !writes ? O_RDONLY : read_ ? O_RDWR : O_WRONLY;
  if (append_) flags |= O_APPEND;
  if (direct_) flags |= O_DIRECT;
  if (create_new_) {
    flags |= O_CREAT | O_EXCL;
  } else {
    if (create_) flags |= O_CREAT;
    if (truncate_) flags |= O_TRUNC;
  }
  return flags | O_CLOEXEC | (custom_flags_ & ~O_ACCMODE);
}

}  // namespace eddy::io
