// Metadata: what the file system knows of a file besides its contents.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto metadata,
//                            co_await eddy::io::fs::metadata(path));
//   if (metadata.is_file()) reserve(metadata.size());
//
// Threads: a plain value.
#ifndef EDDY_IO_FS_METADATA_H_
#define EDDY_IO_FS_METADATA_H_

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace eddy::io {

enum class FileType : uint8_t {
  kFile,
  kFolder,
  kSymlink,
  kFifo,
  kSocket,
  kBlockDevice,
  kCharDevice,
  kUnknown,
};

class Metadata {
 public:
  using Time = std::chrono::time_point<std::chrono::system_clock,
                                       std::chrono::nanoseconds>;

  explicit Metadata(const struct statx& raw) : raw_(raw) {}

  FileType type() const;
  bool is_file() const { return type() == FileType::kFile; }
  bool is_dir() const { return type() == FileType::kFolder; }
  bool is_symlink() const { return type() == FileType::kSymlink; }

  uint64_t size() const { return raw_.stx_size; }  // bytes
  // Bytes on the disk: less than size() where the file has holes.
  uint64_t allocated() const { return raw_.stx_blocks * 512; }
  mode_t mode() const { return raw_.stx_mode; }  // with the bits of the type
  mode_t permissions() const { return mode() & 07777; }
  uid_t uid() const { return raw_.stx_uid; }
  gid_t gid() const { return raw_.stx_gid; }
  uint64_t links() const { return raw_.stx_nlink; }

  // Two files are the same if both are equal.
  uint64_t inode() const { return raw_.stx_ino; }
  uint64_t device() const {
    return uint64_t{raw_.stx_dev_major} << 32 | raw_.stx_dev_minor;
  }

  Time modified() const { return to_time(raw_.stx_mtime); }
  Time accessed() const { return to_time(raw_.stx_atime); }
  Time changed() const { return to_time(raw_.stx_ctime); }
  // Not every file system knows.
  std::optional<Time> created() const {
    if ((raw_.stx_mask & STATX_BTIME) == 0) return std::nullopt;
    return to_time(raw_.stx_btime);
  }

 private:
  static Time to_time(const statx_timestamp& raw) {
    return Time(std::chrono::seconds(raw.tv_sec) +
                std::chrono::nanoseconds(raw.tv_nsec));
  }

  struct statx raw_;
};

// Of the type bits of a mode.
FileType file_type_of(mode_t mode);

}  // namespace eddy::io

#endif  // EDDY_IO_FS_METADATA_H_
