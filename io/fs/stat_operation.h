// StatOperation: statx(), of a path or of an open file.
#ifndef EDDY_IO_FS_STAT_OPERATION_H_
#define EDDY_IO_FS_STAT_OPERATION_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "io/fs/metadata.h"
#include "io/fs/open_file.h"
#include "io/fs/path.h"
#include "reactor/operation.h"

namespace eddy::io {

class StatOperation final : public reactor::Operation {
 public:
  enum class Links : uint8_t { kFollow, kKeep };

  StatOperation(Path path, Links links)
      : path_(std::move(path)), links_(links), raw_{} {}
  explicit StatOperation(std::shared_ptr<const OpenFile> file)
      : file_(std::move(file)), raw_{} {}

  reactor::Sqe submission() override;
  int64_t perform() override;
  const char* name() const noexcept override { return "metadata"; }

  absl::StatusOr<Metadata> metadata(int64_t result) const;

 private:
  int fd() const;
  int flags() const;

  const std::shared_ptr<const OpenFile> file_;
  const Path path_;  // or else this
  const Links links_ = Links::kFollow;
  struct statx raw_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_STAT_OPERATION_H_
