#include "io/fs/file_operation.h"

#include <fcntl.h>

#include <algorithm>

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;
using reactor::Opcode;
using reactor::Sqe;

Sqe FileOperation::submission() {
  constexpr uint32_t kDataOnly = 1;  // IORING_FSYNC_DATASYNC
  Sqe sqe{.fd = file_->fd(), .offset = offset_};
  switch (kind_) {
    case Kind::kSyncData:
      sqe.flags = kDataOnly;
      [[fallthrough]];
    case Kind::kSyncAll:
      sqe.opcode = Opcode::kFsync;
      break;
    case Kind::kAllocate:
      sqe.opcode = Opcode::kFallocate;
      sqe.address = size_;
      sqe.length = static_cast<uint32_t>(argument_);
      break;
    case Kind::kAdvise:
      sqe.opcode = Opcode::kFadvise;
      sqe.length = static_cast<uint32_t>(std::min<uint64_t>(size_, UINT32_MAX));
      sqe.flags = static_cast<uint32_t>(argument_);
      break;
    case Kind::kSetSize:
    case Kind::kSetMode:
      break;
  }
  return sqe;
}

int64_t FileOperation::perform() {
  return reactor::result_of(retry([&] { return call(); }));
}

int FileOperation::call() const {
  const int fd = file_->fd();
  const auto offset = static_cast<off_t>(offset_);
  const auto size = static_cast<off_t>(size_);
  switch (kind_) {
    case Kind::kSyncAll:
      return sys().fsync(fd);
    case Kind::kSyncData:
      return sys().fdatasync(fd);
    case Kind::kSetSize:
      return sys().ftruncate(fd, size);
    case Kind::kAllocate:
      return sys().fallocate(fd, argument_, offset, size);
    case Kind::kAdvise:
      return sys().fadvise(fd, offset, size, argument_);
    case Kind::kSetMode:
      break;
  }
  return sys().fchmod(fd, static_cast<mode_t>(argument_));
}

const char* FileOperation::name() const noexcept {
  switch (kind_) {
    case Kind::kSyncAll:
    case Kind::kSyncData:
      return "sync";
    case Kind::kSetSize:
      return "set size of";
    case Kind::kAllocate:
      return "allocate";
    case Kind::kAdvise:
      return "advise on";
    case Kind::kSetMode:
      break;
  }
  return "set permissions of";
}

absl::Status FileOperation::status(int64_t result) const {
  if (result >= 0) return absl::OkStatus();
  return file_->error(static_cast<int>(-result), name());
}

}  // namespace eddy::io
