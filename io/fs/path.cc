#include "io/fs/path.h"

#include <cerrno>

#include "runtime/base/status.h"

namespace eddy::io {

absl::StatusOr<Path> Path::from(std::string_view what, std::string_view path) {
  if (path.find('\0') != std::string_view::npos) {
    return errno_status(EINVAL,
                        std::string(what) + " " + shown(path) + ": a NUL");
  }
  return Path(path);
}

absl::Status Path::error(int err, std::string_view what) const {
  return errno_status(err, std::string(what) + " " + shown(text_));
}

std::string shown(std::string_view path) {
  constexpr size_t kShown = 512;
  std::string text;
  for (char c : path.substr(0, kShown)) {
    if (c == '\0') {
      text += "\\0";
    } else {
      text += c;
    }
  }
  if (path.size() > kShown) text += "...";
  return text;
}

}  // namespace eddy::io
