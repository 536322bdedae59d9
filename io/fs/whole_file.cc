#include "io/fs/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "io/fs/calls.h"
#include "io/retry.h"
#include "runtime/base/cpu_count.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"

namespace eddy::io::fs {
namespace {

using base::sys;

void resize(Buffer& buffer, size_t size) {
  Buffer larger(size);
  const size_t kept = std::min(size, buffer.size());
  std::copy_n(buffer.data(), kept, larger.data());
  buffer = std::move(larger);
}
void resize(std::string& text, size_t size) { text.resize(size); }

void shorten(Buffer& buffer, size_t size) { buffer.slice(0, size); }
void shorten(std::string& text, size_t size) { text.resize(size); }

// What a file says of its size is a hint: files of /proc say 0, and any may
// grow or shrink meanwhile.
template <class Container>
absl::StatusOr<Container> slurp(const absl::StatusOr<Path>& path) {
  if (!path.ok()) return path.status();
  const OwnedFd fd = open_at(AT_FDCWD, path->c_str(), O_RDONLY);
  if (!fd.is_open()) return path->error(errno, "open");
  struct stat info;
  if (retry([&] { return sys().fstat(fd.get(), &info); }) != 0) {
    return path->error(errno, "read");
  }
  Container bytes;
  size_t room = static_cast<size_t>(std::max<off_t>(info.st_size, 0));
  if (room == 0) room = 4096;
  resize(bytes, room);
  for (size_t size = 0;;) {
    ssize_t count = read_fully(fd.get(), room_of(bytes).subspan(size));
    if (count < 0) return path->error(errno, "read");
    size += static_cast<size_t>(count);
    if (size < room) {
      shorten(bytes, size);
      return bytes;
    }
    // Whether it ends here is asked with a byte beside it: with one more in
    // `bytes`, a file of 1 MiB would need memory that is not kept (buffer.cc).
    std::byte next;
    count = read_fully(fd.get(), {&next, 1});
    if (count < 0) return path->error(errno, "read");
    if (count == 0) return bytes;
    room *= 2;
    resize(bytes, room);
    room_of(bytes)[size++] = next;
  }
}

Task<absl::StatusOr<Buffer>> read_task(absl::StatusOr<Path> path) {
  Job job("read", whole_files(),
          [path = std::move(path)] { return slurp<Buffer>(path); });
  co_return co_await job;
}

Task<absl::StatusOr<std::string>> read_to_string_task(
    absl::StatusOr<Path> path) {
  Job job("read", whole_files(),
          [path = std::move(path)] { return slurp<std::string>(path); });
  co_return co_await job;
}

// By reading and writing, where copy_file_range() can't: between some file
// systems, from files of /proc, into pipes.
absl::Status copy_by_hand(int from, int to, const Path& source,
                          const Path& target, uint64_t& copied) {
  Buffer buffer(256 * 1024);
  for (;;) {
    const ssize_t count = read_fully(from, buffer.bytes());
    if (count < 0) return source.error(errno, "read");
    if (count == 0) return absl::OkStatus();
    const auto bytes = buffer.bytes().first(static_cast<size_t>(count));
    if (write_fully(to, bytes) < 0) return target.error(errno, "write");
    copied += bytes.size();
  }
}

absl::Status copy_all(int from, int to, const Path& source, const Path& target,
                      uint64_t& copied) {
  constexpr size_t kAtOnce = size_t{1} << 30;
  for (;;) {
    const ssize_t count = retry([&] {
      return sys().copy_file_range(from, nullptr, to, nullptr, kAtOnce, 0);
    });
    if (count > 0) {
      copied += static_cast<uint64_t>(count);
      continue;
    }
    // A file of /proc has no size, and seems to be at its end at once.
    if (count == 0 && copied > 0) return absl::OkStatus();
    const bool can_not = count == 0 || errno == EXDEV || errno == EINVAL ||
                         errno == ENOSYS || errno == EOPNOTSUPP ||
                         errno == EPERM || errno == EBADF;
    if (!can_not) return target.error(errno, "copy to");
    return copy_by_hand(from, to, source, target, copied);
  }
}

absl::StatusOr<uint64_t> copy_file(const absl::StatusOr<Path>& from,
                                   const absl::StatusOr<Path>& to) {
  if (!from.ok()) return from.status();
  if (!to.ok()) return to.status();
  const OwnedFd source = open_at(AT_FDCWD, from->c_str(), O_RDONLY);
  if (!source.is_open()) return from->error(errno, "open");
  struct stat info, old;
  if (retry([&] { return sys().fstat(source.get(), &info); }) != 0) {
    return from->error(errno, "read");
  }
  if (S_ISDIR(info.st_mode)) return from->error(EISDIR, "copy");
  const mode_t mode = info.st_mode & 07777;
  // Not truncated before it is known to be another file.
  OwnedFd target = open_at(AT_FDCWD, to->c_str(), O_WRONLY | O_CREAT, mode);
  if (!target.is_open()) return to->error(errno, "create");
  if (retry([&] { return sys().fstat(target.get(), &old); }) != 0) {
    return to->error(errno, "create");
  }
  if (old.st_dev == info.st_dev && old.st_ino == info.st_ino) {
    return to->error(EINVAL, "copy a file to itself:");
  }
  if (S_ISREG(old.st_mode) && old.st_size > 0 &&
      retry([&] { return sys().ftruncate(target.get(), 0); }) != 0) {
    return to->error(errno, "truncate");
  }
  uint64_t copied = 0;
  EDDY_RETURN_IF_ERROR(
      copy_all(source.get(), target.get(), *from, *to, copied));
  if (S_ISREG(old.st_mode) && (old.st_mode & 07777) != mode &&
      retry([&] { return sys().fchmod(target.get(), mode); }) != 0) {
    return to->error(errno, "set permissions of");
  }
  if (close_now(target.release()) != 0) return to->error(errno, "close");
  return copied;
}

Task<absl::StatusOr<uint64_t>> copy_task(absl::StatusOr<Path> from,
                                         absl::StatusOr<Path> to) {
  Job job("copy", whole_files(), [from = std::move(from), to = std::move(to)] {
    return copy_file(from, to);
  });
  co_return co_await job;
}

}  // namespace

const BlockingClass& whole_files() {
  constexpr size_t kThreadsPerCpu = 4;
  // Not destroyed: jobs may outlive static objects.
  static const auto* const kind = new BlockingClass(
      "whole files",
      kThreadsPerCpu * static_cast<size_t>(base::available_cpus()));
  return *kind;
}

absl::Status write_whole_file(const absl::StatusOr<Path>& path,
                              std::span<const std::byte> contents) {
  if (!path.ok()) return path.status();
  OwnedFd fd =
      open_at(AT_FDCWD, path->c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (!fd.is_open()) return path->error(errno, "open");
  if (write_fully(fd.get(), contents) < 0) return path->error(errno, "write");
  if (close_now(fd.release()) != 0) return path->error(errno, "close");
  return absl::OkStatus();
}

Task<absl::StatusOr<Buffer>> read(std::string_view path) {
  return read_task(Path::from("open", path));
}

Task<absl::StatusOr<std::string>> read_to_string(std::string_view path) {
  return read_to_string_task(Path::from("open", path));
}

Task<absl::Status> write(std::string_view path, std::string_view contents) {
  return write(path, std::string(contents));
}

Task<absl::Status> write(std::string_view path, const char* contents) {
  return write(path, std::string(contents));
}

Task<absl::StatusOr<uint64_t>> copy(std::string_view from,
                                    std::string_view to) {
  return copy_task(Path::from("open", from), Path::from("create", to));
}

}  // namespace eddy::io::fs
