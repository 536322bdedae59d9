#include "io/fs/metadata.h"

namespace eddy::io {

FileType file_type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::kFile;
    case S_IFDIR:
      return FileType::kFolder;
    case S_IFLNK:
      return FileType::kSymlink;
    case S_IFIFO:
      return FileType::kFifo;
    case S_IFSOCK:
      return FileType::kSocket;
    case S_IFBLK:
      return FileType::kBlockDevice;
    case S_IFCHR:
      return FileType::kCharDevice;
    default:
      return FileType::kUnknown;
  }
}

FileType Metadata::type() const { return file_type_of(raw_.stx_mode); }

}  // namespace eddy::io
