// SmallDisk: a file system in memory that has room for so many bytes. It is
// mounted nowhere: a file descriptor is all there is of it, so nothing has to
// be cleaned up, whatever becomes of the test.
//
//   const SmallDisk disk(64 * 1024);
//   if (!disk.is_there()) GTEST_SKIP() << disk.why_not();
//   ... disk.path("file") ...
//
// Whoever is not root gets it from a child process, which is root in a user
// namespace of its own; where that is forbidden too, there is none.
#ifndef EDDY_TESTS_IO_FS_SMALL_DISK_H_
#define EDDY_TESTS_IO_FS_SMALL_DISK_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "io/owned_fd.h"

namespace eddy::testing {

class SmallDisk {
 public:
  // While this process has one thread.
  explicit SmallDisk(uint64_t bytes);

  bool is_there() const { return root_.is_open(); }
  std::string why_not() const;
  std::string path(std::string_view name) const;

 private:
  io::OwnedFd root_;
  int error_ = 0;
};

}  // namespace eddy::testing

#endif  // EDDY_TESTS_IO_FS_SMALL_DISK_H_
