// FileOperation: what is done to an open file besides reading and writing.
//
// Owner:   a share of the file.
#ifndef EDDY_IO_FS_FILE_OPERATION_H_
#define EDDY_IO_FS_FILE_OPERATION_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "io/fs/open_file.h"
#include "reactor/operation.h"

namespace eddy::io {

class FileOperation final : public reactor::Operation {
 public:
  enum class Kind : uint8_t {
    kSyncAll,
    kSyncData,
    kSetSize,   // to `size`
    kAllocate,  // `argument` is the mode
    kAdvise,    // `argument` is the advice
    kSetMode,   // `argument` is the mode
  };

  FileOperation(Kind kind, std::shared_ptr<const OpenFile> file,
                uint64_t offset = 0, uint64_t size = 0, int argument = 0)
      : kind_(kind),
        argument_(argument),
        offset_(offset),
        size_(size),
        file_(std::move(file)) {}

  reactor::Sqe submission() override;
  int64_t perform() override;
  const char* name() const noexcept override;

  absl::Status status(int64_t result) const;
  // By the pool alone: there is no opcode, or not in every kernel.
  bool needs_pool() const {
    return kind_ == Kind::kSetSize || kind_ == Kind::kSetMode;
  }

 private:
  int call() const;

  const Kind kind_;
  const int argument_;
  const uint64_t offset_;
  const uint64_t size_;
  const std::shared_ptr<const OpenFile> file_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_FILE_OPERATION_H_
