// NameOperation: what changes the names of files and folders.
#ifndef EDDY_IO_FS_NAME_OPERATION_H_
#define EDDY_IO_FS_NAME_OPERATION_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "io/fs/path.h"
#include "reactor/operation.h"

namespace eddy::io {

class NameOperation final : public reactor::Operation {
 public:
  enum class Kind : uint8_t {
    kRename,        // path to second
    kRemoveFile,    // path
    kRemoveFolder,  // path
    kMakeFolder,    // path
    kSymlink,       // second says path
    kHardLink,      // second is another name of path
  };

  NameOperation(Kind kind, Path path) : kind_(kind), path_(std::move(path)) {}
  NameOperation(Kind kind, Path path, Path second)
      : kind_(kind), path_(std::move(path)), second_(std::move(second)) {}
  NameOperation(Kind kind, Path path, mode_t mode)
      : kind_(kind), mode_(mode), path_(std::move(path)) {}

  reactor::Sqe submission() override;
  int64_t perform() override;
  const char* name() const noexcept override;

  // Of a result.
  absl::Status status(int64_t result) const;

 private:
  int call();

  const Kind kind_;
  const mode_t mode_ = 0;
  const Path path_;
  const Path second_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_NAME_OPERATION_H_
