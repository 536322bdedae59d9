#include "io/fs/transfer_operation.h"

#include "io/retry.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;
using reactor::Opcode;
using reactor::Sqe;

Sqe TransferOperation::submission() {
  return {.opcode = kind_ == Kind::kRead ? Opcode::kRead : Opcode::kWrite,
          .fd = file_->fd(),
          .offset = offset_,  // -1, as kNoOffset, is the kernel's position
          .address = Sqe::address_of(bytes_),
          .length = size_};
}

int64_t TransferOperation::perform() {
  const int fd = file_->fd();
  const auto offset = static_cast<off_t>(offset_);
  return reactor::result_of(retry([&]() -> ssize_t {
    if (kind_ == Kind::kRead) {
      return offset_ == kNoOffset ? sys().read(fd, bytes_, size_)
                                  : sys().pread(fd, bytes_, size_, offset);
    }
    return offset_ == kNoOffset ? sys().write(fd, bytes_, size_)
                                : sys().pwrite(fd, bytes_, size_, offset);
  }));
}

const char* TransferOperation::name() const noexcept {
  return kind_ == Kind::kRead ? "read file" : "write file";
}

}  // namespace eddy::io
