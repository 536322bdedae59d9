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

  // By the pool alone: it is a pipe, and waits for a writer.
  bool needs_pool() const { return pipe_.is_open(); }

  Path& path() { return path_; }

 private:
  int folder() const;
  int call() const;
  int64_t wait_for_writer();
  bool set_flags(int fd) const;

  const std::shared_ptr<const OpenFile> folder_;
  Path path_;
  open_how how_;
  OwnedFd pipe_;  // open, but for a writer
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_OPEN_OPERATION_H_
