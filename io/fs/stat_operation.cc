#include "io/fs/stat_operation.h"

#include <fcntl.h>

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;
using reactor::Opcode;
using reactor::Sqe;

namespace {
constexpr unsigned kMask = STATX_BASIC_STATS | STATX_BTIME;
}  // namespace

int StatOperation::fd() const {
  return file_ != nullptr ? file_->fd() : AT_FDCWD;
}

int StatOperation::flags() const {
  if (file_ != nullptr) return AT_EMPTY_PATH;
  return links_ == Links::kKeep ? AT_SYMLINK_NOFOLLOW : 0;
}

Sqe StatOperation::submission() {
  return {.opcode = Opcode::kStatx,
          .fd = fd(),
          .offset = Sqe::address_of(&raw_),
          .address = Sqe::address_of(path_.c_str()),
          .length = kMask,
          .flags = static_cast<uint32_t>(flags())};
}

int64_t StatOperation::perform() {
  return reactor::result_of(retry(
      [&] { return sys().statx(fd(), path_.c_str(), flags(), kMask, &raw_); }));
}

absl::StatusOr<Metadata> StatOperation::metadata(int64_t result) const {
  if (result >= 0) return Metadata(raw_);
  const int err = static_cast<int>(-result);
  return file_ != nullptr ? file_->error(err, name())
                          : path_.error(err, name());
}

}  // namespace eddy::io
