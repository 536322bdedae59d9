// A file.
//
//   eddy::Task<absl::Status> append(std::string line) {
//     EDDY_CO_ASSIGN_OR_RETURN(
//         auto log, co_await eddy::io::File::open(
//                       "log.txt", eddy::io::OpenOptions().append().create()));
//     EDDY_CO_RETURN_IF_ERROR(co_await eddy::io::write_all(log, line));
//     co_return co_await log.sync_data();
//   }
//
// read() and write() go on from where the last one ended. read_at() and
// write_at() say where, need no turns, and move no bytes through a buffer of
// ours: they take a container of bytes (owned_bytes.h) and give it back.
//
// No operation blocks the caller's thread. What the page cache has is read at
// once, for one system call and no allocation; the rest is done by io_uring or
// by the blocking pool (docs/files.md).
//
// Threads: any number of tasks may use one File at the same time, but read(),
//          write() and seek() only one, which is checked.
// Cancel:  see file_io.h. A dropped open() closes the file that still arrives;
//          the rest goes on to its end, or never begins. What may never end is
//          the open() of a pipe. To read it waits for a writer, as POSIX has
//          it, without a thread, and leaves nothing when it is dropped; to
//          write, or where the pool opens it, as by Backend::kPool, a thread
//          waits until the other side comes.
// Errors:  of the system call that failed, with the path in the message;
//          errno_of(status) has the errno. The end of a file is 0 bytes, not an
//          error. kCancelled: the runtime has shut down.
// Owner:   a pending future borrows the File; what the kernel still works on
//          keeps the file open.
#ifndef EDDY_IO_FS_FILE_H_
#define EDDY_IO_FS_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/fs/file_io.h"
#include "io/fs/metadata.h"
#include "io/fs/open_options.h"
#include "io/owned_bytes.h"
#include "runtime/task/task.h"

namespace eddy::io {

// What the page cache may expect.
enum class Advice : uint8_t {
  kNormal,
  kSequential,
  kRandom,
  kWillNeed,  // reads it in
  kDontNeed,  // drops what is clean
};

struct SeekFrom {
  enum class Base : uint8_t { kStart, kCurrent, kEnd };

  static SeekFrom start(uint64_t offset) {
    return {Base::kStart, static_cast<int64_t>(offset)};
  }
  static SeekFrom current(int64_t delta) { return {Base::kCurrent, delta}; }
  static SeekFrom end(int64_t delta) { return {Base::kEnd, delta}; }

  Base base;
  int64_t delta;
};

class File {
 public:
  // To read.
  static Task<absl::StatusOr<File>> open(std::string_view path);
  static Task<absl::StatusOr<File>> open(std::string_view path,
                                         OpenOptions options);
  // To write; emptied if it is there.
  static Task<absl::StatusOr<File>> create(std::string_view path);
  // Of the folder `root`, a File that was opened with O_DIRECTORY or O_PATH:
  // neither ".." nor an absolute path nor a symlink leads out of it; that is
  // EXDEV.
  static Task<absl::StatusOr<File>> open_beneath(
      const File& root, std::string_view path,
      OpenOptions options = OpenOptions().read());

  File(File&&) noexcept = default;
  File& operator=(File&&) noexcept = default;
  // Closes it, and does not wait for what was written to be on the disk.
  ~File() = default;

  // Reads 1 to bytes.size() bytes from `offset` on, into the front of `bytes`;
  // 0 at the end of the file. Gives {count, bytes}.
  template <OwnedBytes B>
  ReadAt<B> read_at(B bytes, uint64_t offset) const {
    return ReadAt<B>(*file_, std::move(bytes), offset);
  }
  // Writes 1 to bytes.size() bytes. Gives {count, bytes}.
  template <OwnedSource B>
  WriteAt<B> write_at(B bytes, uint64_t offset) const {
    return WriteAt<B>(*file_, std::move(bytes), offset);
  }

  // At the position, which moves on. A call moves up to 1 MiB.
  FileRead read(std::span<std::byte> into) { return FileRead(*file_, into); }
  FileWrite write(std::span<const std::byte> from) {
    return FileWrite(*file_, from);
  }
  // Fills the buffers one after the other. The list is borrowed too.
  FileRead readv(std::span<const std::span<std::byte>> into) {
    return FileRead(*file_, into);
  }
  // Writes from the front of the buffers. The list is borrowed too.
  FileWrite writev(std::span<const std::span<const std::byte>> from) {
    return FileWrite(*file_, from);
  }
  // Gives the new position, which may be beyond the end. What has no position,
  // such as a pipe, is not moved.
  Task<absl::StatusOr<uint64_t>> seek(SeekFrom to);

  // What was written is on the disk, and what is known of the file too.
  Task<absl::Status> sync_all();
  // Without what is not needed to read it, such as its times.
  Task<absl::Status> sync_data();

  // Cuts it off, or adds zeros. The position stays.
  Task<absl::Status> set_len(uint64_t size);
  // Reserves room on the disk. `mode` as of fallocate(2).
  Task<absl::Status> fallocate(uint64_t offset, uint64_t size, int mode = 0);
  Task<absl::Status> advise(uint64_t offset, uint64_t size, Advice advice);

  Task<absl::StatusOr<Metadata>> metadata() const;
  // What the kernel has in memory, at once: for a file of this machine that is
  // all; for one of a network it may be from when it was opened.
  absl::StatusOr<Metadata> cached_metadata() const;
  Task<absl::Status> set_permissions(mode_t mode);

  // Another File of the same open file: with a position of its own, that begins
  // where this is, and options that are shared.
  absl::StatusOr<File> try_clone() const;

  // As the destructor, but tells what has gone wrong. Operations that are still
  // in flight close the file after them, and nobody is told.
  Task<absl::Status> close() &&;

  int fd() const { return file_->fd(); }
  const std::shared_ptr<OpenFile>& shared() const { return file_; }

 private:
  friend class FileOpener;

  explicit File(std::shared_ptr<OpenFile> file) : file_(std::move(file)) {}

  std::shared_ptr<OpenFile> file_;  // null after a move
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_FILE_H_
