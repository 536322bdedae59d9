// Who carries out an operation on a file: the ring of io_uring or the blocking
// pool. A pure choice, by what was measured: docs/files.md has the figures, and
// benchmarks/files/backends.cc asks again.
//
// Some need neither, as the kernel does them at once or says that it can't: a
// read of what is in the page cache, and opening a file that is there and whose
// folders are known. Those are tried first, unless one or the other is forced.
#ifndef EDDY_IO_FS_BACKEND_H_
#define EDDY_IO_FS_BACKEND_H_

#include <cstdint>

#include "reactor/submission.h"

namespace eddy::io {

// kAutomatic is the choice below. A ring that is not to be had, or does not
// know the operation, is replaced by the pool.
enum class Backend : uint8_t { kAutomatic, kRing, kPool };

enum class FileCall : uint8_t {
  kOpen,
  kRead,    // of what was not in the page cache
  kWrite,   // through the page cache
  kDirect,  // reads and writes past it
  kSync,
  kMetadata,
  kName,   // rename, remove, create a folder, links
  kSpace,  // fallocate, fadvise
};

constexpr reactor::Prefer choose(FileCall call, Backend backend) {
  using reactor::Prefer;
  if (backend == Backend::kRing) return Prefer::kRing;
  if (backend == Backend::kPool) return Prefer::kPool;
  switch (call) {
    // The kernel waits for the disk without a thread, and does many at once.
    case FileCall::kRead:
    case FileCall::kDirect:
      return Prefer::kRing;
    // The kernel has threads of its own do these, one after the other for each
    // file; ours are no slower, and more of them flush at the same time.
    case FileCall::kWrite:
    case FileCall::kSync:
    case FileCall::kOpen:
    case FileCall::kMetadata:
    case FileCall::kName:
    case FileCall::kSpace:
      break;
  }
  return Prefer::kPool;
}

}  // namespace eddy::io

#endif  // EDDY_IO_FS_BACKEND_H_
