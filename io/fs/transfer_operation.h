// TransferOperation: a read or write of an open file, with the bytes that it
// reads into or writes from.
//
// Owner:   the bytes, and a share of the file.
#ifndef EDDY_IO_FS_TRANSFER_OPERATION_H_
#define EDDY_IO_FS_TRANSFER_OPERATION_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "io/fs/open_file.h"
#include "io/owned_bytes.h"
#include "reactor/operation.h"

namespace eddy::io {

class TransferOperation : public reactor::Operation {
 public:
  enum class Kind : uint8_t { kRead, kWrite };

  reactor::Sqe submission() final;
  int64_t perform() final;
  const char* name() const noexcept final;

  OpenFile& file() const { return *file_; }

 protected:
  TransferOperation(Kind kind, std::shared_ptr<OpenFile> file, uint64_t offset)
      : kind_(kind), file_(std::move(file)), offset_(offset) {}

  // Of bytes that belong to *this and stay where they are.
  void set_bytes(std::span<std::byte> room) {
    bytes_ = room.data();
    size_ = static_cast<uint32_t>(std::min(room.size(), kMostAtOnce));
  }
  // They are only read.
  void set_bytes(std::span<const std::byte> bytes) {
    set_bytes(std::span(const_cast<std::byte*>(bytes.data()), bytes.size()));
  }

 private:
  static constexpr size_t kMostAtOnce = size_t{1} << 30;

  const Kind kind_;
  const std::shared_ptr<OpenFile> file_;
  const uint64_t offset_;
  std::byte* bytes_ = nullptr;
  uint32_t size_ = 0;
};

template <OwnedBytes B>
class ReadOperation final : public TransferOperation {
 public:
  ReadOperation(std::shared_ptr<OpenFile> file, B bytes, uint64_t offset)
      : TransferOperation(Kind::kRead, std::move(file), offset),
        bytes_(std::move(bytes)) {
    set_bytes(room_of(bytes_));
  }

  B& bytes() { return bytes_; }

 private:
  B bytes_;
};

template <OwnedSource B>
class WriteOperation final : public TransferOperation {
 public:
  WriteOperation(std::shared_ptr<OpenFile> file, B bytes, uint64_t offset)
      : TransferOperation(Kind::kWrite, std::move(file), offset),
        bytes_(std::move(bytes)) {
    set_bytes(bytes_of(std::as_const(bytes_)));
  }

  B& bytes() { return bytes_; }

 private:
  B bytes_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_TRANSFER_OPERATION_H_
