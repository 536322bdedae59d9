// OpenOptions: how a file is opened.
//
//   auto log = co_await eddy::io::File::open(
//       "log.txt", eddy::io::OpenOptions().append().create());
//
// Nothing is allowed that is not asked for: at least one of read(), write() and
// append().
//
// Threads: a plain value.
// Errors:  what makes no sense together, such as truncate() of a file that is
//          only read, is EINVAL when the file is opened.
#ifndef EDDY_IO_FS_OPEN_OPTIONS_H_
#define EDDY_IO_FS_OPEN_OPTIONS_H_

#include <sys/types.h>

#include <optional>

#include "io/fs/backend.h"

namespace eddy::io {

class OpenOptions {
 public:
  OpenOptions() {}

  OpenOptions& read(bool on = true) { return set(read_, on); }
  OpenOptions& write(bool on = true) { return set(write_, on); }
  // Each write goes to the end, as it is then, and leaves the position where it
  // is. Implies write().
  OpenOptions& append(bool on = true) { return set(append_, on); }
  // Empties a file that is there. Needs write().
  OpenOptions& truncate(bool on = true) { return set(truncate_, on); }
  // Makes the file if there is none. Needs write() or append().
  OpenOptions& create(bool on = true) { return set(create_, on); }
  // Makes the file, and fails with EEXIST if there is one, or a link.
  OpenOptions& create_new(bool on = true) { return set(create_new_, on); }
  // The permissions of a file that is made, less the process's umask.
  OpenOptions& mode(mode_t mode) {
    mode_ = mode;
    return *this;
  }
  // Reads and writes pass by the page cache (O_DIRECT): addresses, offsets and
  // sizes are then multiples of the disk's block; see Buffer. Spans are copied
  // through aligned memory, but offsets and sizes are the caller's affair.
  OpenOptions& direct(bool on = true) { return set(direct_, on); }
  // O_ flags besides, such as O_NOFOLLOW or O_SYNC.
  OpenOptions& custom_flags(int flags) {
    custom_flags_ = flags;
    return *this;
  }

  // Who carries out what is done to the file: see backend.h.
  OpenOptions& backend(Backend backend) {
    backend_ = backend;
    return *this;
  }

  // What open() is told; none if the options make no sense together.
  std::optional<int> flags() const;
  mode_t mode() const { return mode_; }
  Backend backend() const { return backend_; }

 private:
  OpenOptions& set(bool& option, bool on) {
    option = on;
    return *this;
  }

  bool read_ = false;
  bool write_ = false;
  bool append_ = false;
  bool truncate_ = false;
  bool create_ = false;
  bool create_new_ = false;
  bool direct_ = false;
  Backend backend_ = Backend::kAutomatic;
  int custom_flags_ = 0;
  mode_t mode_ = 0666;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_OPEN_OPTIONS_H_
