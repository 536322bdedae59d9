#include "tests/io/fs/small_disk.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace eddy::testing {
namespace {

// The C library does not have these everywhere.
int configure(int context, unsigned command, const char* key,
              const char* value) {
  return static_cast<int>(
      ::syscall(SYS_fsconfig, context, command, key, value, 0));
}

// -1 and errno, if that is forbidden.
int mount_nowhere(const char* bytes) {
  const io::OwnedFd context(
      static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context.is_open() ||
      configure(context.get(), FSCONFIG_SET_STRING, "size", bytes) != 0 ||
      configure(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    return -1;
  }
  return static_cast<int>(
      ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0));
}

bool write_text(const char* path, const std::string& text) {
  const io::OwnedFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file.is_open() && ::write(file.get(), text.data(), text.size()) ==
                               static_cast<ssize_t>(text.size());
}

// The files of the disk are to be the user's.
bool become_root() {
  const std::string user = std::to_string(::getuid());
  const std::string group = std::to_string(::getgid());
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
         write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", user + " " + user + " 1") &&
         write_text("/proc/self/gid_map", group + " " + group + " 1");
}

// The child shares our file descriptors; its status tells which is the disk.
int mount_by_a_child(const char* bytes) {
  constexpr int kNone = 255;
  const auto child = static_cast<pid_t>(
      ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0));
  if (child < 0) return -1;
  if (child == 0) {
    const int root = become_root() ? mount_nowhere(bytes) : -1;
    ::_exit(root >= 0 && root < kNone ? root : kNone);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) != kNone) {
    return WEXITSTATUS(status);
  }
  errno = EPERM;
  return -1;
}

}  // namespace

SmallDisk::SmallDisk(uint64_t bytes) {
  const std::string text = std::to_string(bytes);
  int root = mount_nowhere(text.c_str());
  if (root < 0) root = mount_by_a_child(text.c_str());
  if (root < 0) error_ = errno;
  root_ = io::OwnedFd(root);
}

std::string SmallDisk::why_not() const {
  return std::string("no file system may be mounted: ") + std::strerror(error_);
}

std::string SmallDisk::path(std::string_view name) const {
  return "/proc/self/fd/" + std::to_string(root_.get()) + "/" +
         std::string(name);
}

}  // namespace eddy::testing
