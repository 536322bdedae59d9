// Whole files: read(), read_to_string(), write(), copy().
//
//   EDDY_CO_ASSIGN_OR_RETURN(std::string text,
//                            co_await eddy::io::fs::read_to_string("a.txt"));
//   EDDY_CO_RETURN_IF_ERROR(co_await eddy::io::fs::write("b.txt", "hello\n"));
//
// Threads, Cancel, Errors: see fs.h. A write() or copy() that fails, or is
//          dropped, may leave a part of the file.
// Owner:   write() keeps what it writes: a container that is moved into it, a
//          std::shared_ptr to a const one, or a copy of text.
#ifndef EDDY_IO_FS_WHOLE_FILE_H_
#define EDDY_IO_FS_WHOLE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "io/buffer.h"
#include "io/fs/job.h"
#include "io/fs/path.h"
#include "io/owned_bytes.h"
#include "runtime/task/task.h"

namespace eddy::io::fs {

// All of it, however long it grows meanwhile.
Task<absl::StatusOr<Buffer>> read(std::string_view path);
Task<absl::StatusOr<std::string>> read_to_string(std::string_view path);

// Replaces the contents of the file, or makes one. One that others read may be
// seen half-written: to prevent that, write another and rename() it.
template <OwnedSource B>
Task<absl::Status> write(std::string_view path, B contents);
Task<absl::Status> write(std::string_view path, std::string_view contents);
Task<absl::Status> write(std::string_view path, const char* contents);

// Copies contents and permissions; gives the bytes copied. The kernel does it
// without showing us the bytes, where the file systems can.
Task<absl::StatusOr<uint64_t>> copy(std::string_view from, std::string_view to);

// Work that is mostly copying memory: more threads than a few for each CPU
// would be in each other's way.
const BlockingClass& whole_files();

// Blocks.
absl::Status write_whole_file(const absl::StatusOr<Path>& path,
                              std::span<const std::byte> contents);

template <OwnedSource B>
Task<absl::Status> write_owned(absl::StatusOr<Path> path, B contents) {
  Job job("write", whole_files(),
          [path = std::move(path), contents = std::move(contents)]() mutable {
            // Ends here and not with the job, whose joiner may be waiting.
            const B bytes = std::move(contents);
            return write_whole_file(path, bytes_of(bytes));
          });
  co_return co_await job;
}

template <OwnedSource B>
Task<absl::Status> write(std::string_view path, B contents) {
  return write_owned(Path::from("write", path), std::move(contents));
}

}  // namespace eddy::io::fs

#endif  // EDDY_IO_FS_WHOLE_FILE_H_
