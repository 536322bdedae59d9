// OpenOperation: opens a file by its path, from a folder on.
//
// Owner:   the path, and a share of the folder. An fd that arrives after its
//          future was dropped is closed.
#ifndef EDDY_IO_FS_OPEN_OPERATION_H_
#define EDDY_IO_FS_OPEN_OPERATION_H_

#include <linux/openat2.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "io/fs/open_file.h"
#include "io/fs/path.h"
#include "io/owned_fd.h"
#include "reactor/operation.h"

namespace eddy::io {

class OpenOperation final : public reactor::Operation {
 public:
  // `folder` may be null: the process's.
  OpenOperation(std::shared_ptr<const OpenFile> folder, Path path,
                const open_how& how)
      : folder_(std::move(folder)), path_(std::move(path)), how_(how) {}

  reactor::Sqe submission() override;
  int64_t perform() override;
  void discard(int64_t result) noexcept override;
  const char* name() const noexcept override { return "open"; }

  // What needs no wait: a file that is there, and whose folders the kernel has
  // in memory. -EAGAIN: it can't be told; else as perform().
  int64_t open_at_once();

  // Then: it is a pipe to read from, without a writer perhaps, which is to be
  // waited for; else -1. It is open, and must stay so: a writer that has waited
  // for us would find itself alone.
  int pipe() const { return pipe_.get(); }
  // Once there is a writer: as open_at_once().
  int64_t take_pipe();

  Path& path() { return path_; }

 private:
  int folder() const;
  int call() const;
  bool set_flags(int fd) const;

  const std::shared_ptr<const OpenFile> folder_;
  Path path_;
  open_how how_;
  OwnedFd pipe_;  // open, but for a writer
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_OPEN_OPERATION_H_
