// Path: a file's name as the kernel wants it, and as a message shows it.
//
//   EDDY_ASSIGN_OR_RETURN(Path path, Path::from("open", name));
//   if (sys().open(path.c_str(), flags, 0) < 0) return path.error(errno,
//   "open");
//
// Errors:  EINVAL for a NUL inside, which the kernel would take for the end.
#ifndef EDDY_IO_FS_PATH_H_
#define EDDY_IO_FS_PATH_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace eddy::io {

class Path {
 public:
  Path() {}  // of no characters
  static absl::StatusOr<Path> from(std::string_view what,
                                   std::string_view path);

  const char* c_str() const { return text_.c_str(); }
  const std::string& text() const { return text_; }

  // "open a.txt: No such file or directory (ENOENT)".
  absl::Status error(int err, std::string_view what) const;

 private:
  explicit Path(std::string_view text) : text_(text) {}

  std::string text_;
};

// A path as messages show it: a NUL as \0, and of a very long one the
// beginning.
std::string shown(std::string_view path);

}  // namespace eddy::io

#endif  // EDDY_IO_FS_PATH_H_
