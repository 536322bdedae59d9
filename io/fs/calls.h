// System calls on files as jobs make them: on a thread that may block, repeated
// after EINTR, and whole where the kernel does a part.
//
// Threads: any that may block.
// Errors:  -1 and errno, as those calls; an OwnedFd that is not open.
#ifndef EDDY_IO_FS_CALLS_H_
#define EDDY_IO_FS_CALLS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/owned_fd.h"

namespace eddy::io {

OwnedFd open_at(int folder, const char* path, int flags, mode_t mode = 0);

// Reads until `into` is full or the file ends; bytes read, or -1.
ssize_t read_fully(int fd, std::span<std::byte> into);
// Writes all; -1 after an error, wherever it came.
ssize_t write_fully(int fd, std::span<const std::byte> from);

// As close(), which tells of what went wrong with writes that seemed done. An
// fd is closed whatever the answer.
int close_now(int fd);

}  // namespace eddy::io

#endif  // EDDY_IO_FS_CALLS_H_
