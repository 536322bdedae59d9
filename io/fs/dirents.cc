#include "io/fs/dirents.h"

#include <string_view>

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;

ssize_t Dirents::fetch(int fd) {
  if (buffer_.empty()) buffer_ = Buffer(kBytes);
  const ssize_t count = retry(
      [&] { return sys().getdents64(fd, buffer_.data(), buffer_.size()); });
  begin_ = 0;
  end_ = count < 0 ? 0 : static_cast<size_t>(count);
  return count;
}

const dirent64* Dirents::next() {
  while (begin_ < end_) {
    const auto* entry =
        reinterpret_cast<const dirent64*>(buffer_.data() + begin_);
    begin_ += entry->d_reclen;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry;
  }
  return nullptr;
}

}  // namespace eddy::io
