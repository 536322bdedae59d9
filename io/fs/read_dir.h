// ReadDir: what is in a folder, one entry after the other, without "." and
// "..", in no order.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto entries,
//                            co_await eddy::io::fs::read_dir("."));
//   for (;;) {
//     EDDY_CO_ASSIGN_OR_RETURN(auto entry, co_await entries.next());
//     if (!entry) break;
//     names.push_back(entry->name());
//   }
//
// Entries are fetched many at a time, so that most are there at once.
//
// Threads: belongs to one task at a time.
// Cancel:  a dropped next() loses no entry.
// Errors:  see fs.h. After an error, next() tries again.
// Owner:   a Next borrows its ReadDir. Entries own what they say.
#ifndef EDDY_IO_FS_READ_DIR_H_
#define EDDY_IO_FS_READ_DIR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "io/fs/metadata.h"
#include "runtime/task/future.h"
#include "runtime/task/task.h"

namespace eddy::io {

class DirEntry {
 public:
  DirEntry(std::string name, FileType type, uint64_t inode)
      : name_(std::move(name)), type_(type), inode_(inode) {}

  const std::string& name() const { return name_; }  // without the folder
  // Of a symlink itself. kUnknown: the file system does not say so here; ask
  // symlink_metadata().
  FileType type() const { return type_; }
  uint64_t inode() const { return inode_; }

 private:
  std::string name_;
  FileType type_;
  uint64_t inode_;
};

class ReadDir {
 public:
  class Next;

  static Task<absl::StatusOr<ReadDir>> open(std::string_view path);

  ReadDir(ReadDir&&) noexcept;
  ReadDir& operator=(ReadDir&&) noexcept;
  ~ReadDir();

  // A Future of absl::StatusOr<std::optional<DirEntry>>: none at the end.
  Next next();

 private:
  struct State;

  explicit ReadDir(std::unique_ptr<State> state);
  Poll<absl::StatusOr<std::optional<DirEntry>>> poll_next(Context& cx);

  std::unique_ptr<State> state_;  // null after a move
};

class [[nodiscard]] ReadDir::Next {
 public:
  using Output = absl::StatusOr<std::optional<DirEntry>>;

  explicit Next(ReadDir& entries) : entries_(entries) {}

  Poll<Output> poll(Context& cx) { return entries_.poll_next(cx); }

 private:
  ReadDir& entries_;
};

inline ReadDir::Next ReadDir::next() { return Next(*this); }

namespace fs {
inline Task<absl::StatusOr<ReadDir>> read_dir(std::string_view path) {
  return ReadDir::open(path);
}
}  // namespace fs

}  // namespace eddy::io

#endif  // EDDY_IO_FS_READ_DIR_H_
