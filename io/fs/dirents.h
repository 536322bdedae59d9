// Dirents: the entries that one getdents64() gave, without "." and "..".
//
// Threads: a plain value.
// Owner:   the bytes; entries are views of them.
#ifndef EDDY_IO_FS_DIRENTS_H_
#define EDDY_IO_FS_DIRENTS_H_

#include <dirent.h>
#include <sys/types.h>

#include <cstddef>

#include "io/buffer.h"

namespace eddy::io {

class Dirents {
 public:
  // Blocks. A negative result is that of the call, with errno; 0 is the end.
  ssize_t fetch(int fd);

  // Null when there are no more.
  const dirent64* next();

 private:
  static constexpr size_t kBytes = 64 * 1024;

  Buffer buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_DIRENTS_H_
