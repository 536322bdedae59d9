#include "io/fs/name_operation.h"

#include <fcntl.h>

#include "io/retry.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io {

using base::sys;
using reactor::Opcode;
using reactor::Sqe;

Sqe NameOperation::submission() {
  Sqe sqe{.fd = AT_FDCWD, .address = Sqe::address_of(path_.c_str())};
  const auto two_paths = [&](Opcode opcode) {
    sqe.opcode = opcode;
    sqe.offset = Sqe::address_of(second_.c_str());
  };
  switch (kind_) {
    case Kind::kRename:
      two_paths(Opcode::kRenameat);
      sqe.length = static_cast<uint32_t>(AT_FDCWD);
      break;
    case Kind::kRemoveFile:
      sqe.opcode = Opcode::kUnlinkat;
      break;
    case Kind::kRemoveFolder:
      sqe.opcode = Opcode::kUnlinkat;
      sqe.flags = AT_REMOVEDIR;
      break;
    case Kind::kMakeFolder:
      sqe.opcode = Opcode::kMkdirat;
      sqe.length = mode_;
      break;
    case Kind::kSymlink:
      two_paths(Opcode::kSymlinkat);
      break;
    case Kind::kHardLink:
      two_paths(Opcode::kLinkat);
      sqe.length = static_cast<uint32_t>(AT_FDCWD);
      break;
  }
  return sqe;
}

int64_t NameOperation::perform() {
  return reactor::result_of(retry([&] { return call(); }));
}

int NameOperation::call() {
  const char* path = path_.c_str();
  switch (kind_) {
    case Kind::kRename:
      return sys().rename(path, second_.c_str());
    case Kind::kRemoveFile:
      return sys().unlink(path);
    case Kind::kRemoveFolder:
      return sys().unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
    case Kind::kMakeFolder:
      return sys().mkdirat(AT_FDCWD, path, mode_);
    case Kind::kSymlink:
      return sys().symlinkat(path, AT_FDCWD, second_.c_str());
    case Kind::kHardLink:
      break;
  }
  return sys().linkat(AT_FDCWD, path, AT_FDCWD, second_.c_str(), 0);
}

const char* NameOperation::name() const noexcept {
  switch (kind_) {
    case Kind::kRename:
      return "rename";
    case Kind::kRemoveFile:
      return "remove file";
    case Kind::kRemoveFolder:
      return "remove folder";
    case Kind::kMakeFolder:
      return "create folder";
    case Kind::kSymlink:
      return "symlink";
    case Kind::kHardLink:
      break;
  }
  return "hard link";
}

absl::Status NameOperation::status(int64_t result) const {
  if (result >= 0) return absl::OkStatus();
  std::string what = std::string(name()) + " " + shown(path_.text());
  if (!second_.text().empty()) what += " to " + shown(second_.text());
  return errno_status(static_cast<int>(-result), what);
}

}  // namespace eddy::io
