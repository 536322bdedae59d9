// The leaf futures of a File.
//
// Cancel:  a dropped read has moved no bytes, and no longer touches the buffer.
//          A dropped write may be carried out, or a part of it, but moves the
//          position by nothing: what is written next is written over it, and
//          not before it has ended. (Where files are open for append(), and
//          with pipes and terminals, which have no position, what was moved
//          stays so.)
// Owner:   each borrows the File, and FileRead and FileWrite the spans, until
//          it is ready or dropped. It may be moved until it is first polled.
#ifndef EDDY_IO_FS_FILE_IO_H_
#define EDDY_IO_FS_FILE_IO_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/statusor.h"
#include "io/buffer.h"
#include "io/fs/open_file.h"
#include "io/fs/run.h"
#include "io/fs/transfer_operation.h"
#include "io/owned_bytes.h"
#include "runtime/task/future.h"

namespace eddy::io {

// What a transfer gave: a count, or the negative errno.
absl::StatusOr<size_t> transferred(int64_t result, const OpenFile& file,
                                   const char* what);

template <OwnedBytes B>
class [[nodiscard]] ReadAt {
 public:
  using Output = Transfer<B>;

  ReadAt(OpenFile& file, B bytes, uint64_t offset)
      : file_(file), offset_(offset), bytes_(std::move(bytes)) {}
  ReadAt(ReadAt&&) = default;

  Poll<Output> poll(Context& cx) {
    if (!run_) {
      if (!cx.has_budget()) return cx.yield();
      const std::span<std::byte> room = room_of(bytes_);
      const iovec part = {room.data(), room.size()};
      const int64_t result = file_.read_at_once({&part, 1}, offset_);
      if (result != -EAGAIN) {
        cx.spend();
        return Output{transferred(result, file_, "read"), std::move(bytes_)};
      }
      run_.emplace(std::make_unique<ReadOperation<B>>(
                       file_.shared_from_this(), std::move(bytes_), offset_),
                   file_.prefer_to_read());
    }
    Poll<int64_t> poll = run_->poll(cx);
    if (poll.is_pending()) return kPending;
    return Output{transferred(*poll, file_, "read"),
                  std::move(run_->operation().bytes())};
  }

 private:
  OpenFile& file_;
  const uint64_t offset_;
  B bytes_;  // until there is a Run
  std::optional<Run<ReadOperation<B>>> run_;
};

template <OwnedSource B>
class [[nodiscard]] WriteAt {
 public:
  using Output = Transfer<B>;

  WriteAt(OpenFile& file, B bytes, uint64_t offset)
      : file_(file),
        run_(std::make_unique<WriteOperation<B>>(file.shared_from_this(),
                                                 std::move(bytes), offset),
             file.prefer_to_write()) {}
  WriteAt(WriteAt&&) = default;

  Poll<Output> poll(Context& cx) {
    Poll<int64_t> poll = run_.poll(cx);
    if (poll.is_pending()) return kPending;
    return Output{transferred(*poll, file_, "write"),
                  std::move(run_.operation().bytes())};
  }

 private:
  OpenFile& file_;
  Run<WriteOperation<B>> run_;
};

// One of a File's futures that use its position: there is one at a time.
class Sequential {
 protected:
  explicit Sequential(OpenFile& file) : file_(file) {}
  Sequential(Sequential&& other) noexcept;
  Sequential& operator=(Sequential&&) = delete;
  ~Sequential() { leave(); }

  // Ready when nobody else is at it.
  Poll<void> poll_enter(Context& cx);
  void leave();

  OpenFile& file_;

 private:
  bool entered_ = false;
};

// Bytes that are written at the position of the file.
class SequentialWrite final : public TransferOperation {
 public:
  SequentialWrite(std::shared_ptr<OpenFile> file, Buffer bytes, uint64_t offset)
      : TransferOperation(Kind::kWrite, std::move(file), offset),
        bytes_(std::move(bytes)) {
    set_bytes(bytes_.bytes());
    this->file().writes.begin();
  }
  ~SequentialWrite() override { file().writes.end(); }

  Buffer& bytes() { return bytes_; }

 private:
  Buffer bytes_;
};

class [[nodiscard]] FileRead : private Sequential {
 public:
  using Output = absl::StatusOr<size_t>;

  FileRead(OpenFile& file, std::span<std::byte> into)
      : Sequential(file), one_(into) {}
  // The list is borrowed too.
  FileRead(OpenFile& file, std::span<const std::span<std::byte>> into)
      : Sequential(file), list_(into), is_list_(true) {}
  FileRead(FileRead&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  std::span<const std::span<std::byte>> parts() const {
    return is_list_ ? list_ : std::span(&one_, 1);
  }
  int64_t read_at_once() const;
  void submit();
  Output finish(int64_t result);

  const std::span<std::byte> one_;
  const std::span<const std::span<std::byte>> list_;
  const bool is_list_ = false;
  std::optional<Run<ReadOperation<Buffer>>> run_;
};

class [[nodiscard]] FileWrite : private Sequential {
 public:
  using Output = absl::StatusOr<size_t>;

  FileWrite(OpenFile& file, std::span<const std::byte> from)
      : Sequential(file), one_(from) {}
  // The list is borrowed too.
  FileWrite(OpenFile& file, std::span<const std::span<const std::byte>> from)
      : Sequential(file), list_(from), is_list_(true) {}
  FileWrite(FileWrite&&) = default;

  Poll<Output> poll(Context& cx);

 private:
  std::span<const std::span<const std::byte>> parts() const {
    return is_list_ ? list_ : std::span(&one_, 1);
  }
  void submit();
  Output finish(int64_t result);

  const std::span<const std::byte> one_;
  const std::span<const std::span<const std::byte>> list_;
  const bool is_list_ = false;
  std::optional<Run<SequentialWrite>> run_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_FILE_IO_H_
