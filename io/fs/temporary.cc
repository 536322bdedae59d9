#include "io/fs/temporary.h"

#include <fcntl.h>
#include <stdlib.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "io/fs/folders.h"
#include "io/fs/job.h"
#include "io/fs/path.h"
#include "io/retry.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/context/current.h"

namespace eddy::io {
namespace {

using base::sys;

constexpr int kAttempts = 100;

std::string temporary_folder() {
  const char* folder = ::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

// A name that nobody guesses.
absl::StatusOr<std::string> random_name() {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  std::array<uint8_t, 16> bytes;
  const ssize_t count =
      retry([&] { return sys().getrandom(bytes.data(), bytes.size(), 0); });
  if (count != static_cast<ssize_t>(bytes.size())) {
    return errno_status(count < 0 ? errno : EIO, "get random bytes");
  }
  std::string name;
  for (uint8_t byte : bytes) name += kLetters[byte % kLetters.size()];
  return name;
}

absl::StatusOr<std::string> make_temporary_folder(const Path& prefix) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    EDDY_ASSIGN_OR_RETURN(const std::string name, random_name());
    const std::string path = prefix.text() + name;
    if (retry([&] { return sys().mkdirat(AT_FDCWD, path.c_str(), 0700); }) ==
        0) {
      return path;
    }
    if (errno != EEXIST) return prefix.error(errno, "create folder");
  }
  return prefix.error(EEXIST, "create folder");
}

using Wrap = TempDir (*)(std::string path);

// The job gives a TempDir, so that one which arrives too late is removed.
Task<absl::StatusOr<TempDir>> create_task(absl::StatusOr<Path> prefix,
                                          Wrap wrap) {
  if (!prefix.ok()) co_return prefix.status();
  Job job("create folder",
          [prefix = *std::move(prefix), wrap]() -> absl::StatusOr<TempDir> {
            EDDY_ASSIGN_OR_RETURN(std::string path,
                                  make_temporary_folder(prefix));
            return wrap(std::move(path));
          });
  co_return co_await job;
}

absl::Status remove_at(std::string_view path) {
  EDDY_ASSIGN_OR_RETURN(const Path checked, Path::from("remove folder", path));
  return remove_folders(checked);
}

Task<absl::Status> remove_task(std::string path) {
  Job job("remove folder",
          [path = std::move(path)] { return remove_at(path); });
  co_return co_await job;
}

// Where a file can't be made without a name: some file systems don't know how.
Task<absl::StatusOr<File>> named_temporary_file() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    EDDY_CO_ASSIGN_OR_RETURN(const std::string name, random_name());
    const std::string path = temporary_folder() + "/eddy-" + name;
    absl::StatusOr<File> file = co_await File::open(
        path, OpenOptions().read().write().create_new().mode(0600));
    if (file.ok()) {
      Job job("remove file", [path] {
        return absl::Status(retry([&] { return sys().unlink(path.c_str()); }) ==
                                    0
                                ? absl::OkStatus()
                                : errno_status(errno, "remove file " + path));
      });
      EDDY_CO_RETURN_IF_ERROR(co_await job);
    }
    if (errno_of(file.status()) != EEXIST) co_return file;
  }
  co_return errno_status(EEXIST, "create a file in " + temporary_folder());
}

}  // namespace

Task<absl::StatusOr<TempDir>> TempDir::create(std::string_view prefix) {
  return create_task(Path::from("create folder",
                                temporary_folder() + "/" + std::string(prefix)),
                     [](std::string path) { return TempDir(std::move(path)); });
}

namespace {

// Removes a folder when it is called or, at the latest, when it ends: a job of
// a runtime that shuts down may not run.
class Removal {
 public:
  explicit Removal(std::string path) : path_(std::move(path)) {}
  Removal(Removal&& other) noexcept
      : path_(std::exchange(other.path_, std::string())) {}
  Removal& operator=(Removal&&) = delete;
  ~Removal() { (*this)(); }

  void operator()() {
    if (path_.empty()) return;
    (void)remove_at(std::exchange(path_, std::string()));
  }

 private:
  std::string path_;
};

}  // namespace

TempDir::~TempDir() {
  if (path_.empty()) return;
  Removal removal(std::move(path_));
  if (context::current().services == nullptr) return;
  spawn_blocking(std::move(removal)).detach();
}

Task<absl::Status> TempDir::remove() && {
  return remove_task(std::exchange(path_, {}));
}

namespace fs {

Task<absl::StatusOr<File>> temp_file() {
  absl::StatusOr<File> file = co_await File::open(
      temporary_folder(),
      OpenOptions().read().write().custom_flags(O_TMPFILE).mode(0600));
  const int err = errno_of(file.status());
  if (err == EOPNOTSUPP || err == EISDIR || err == ENOENT || err == EINVAL) {
    co_return co_await named_temporary_file();
  }
  co_return file;
}

}  // namespace fs
}  // namespace eddy::io
