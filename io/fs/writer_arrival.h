// WriterArrival: the future of a writer, for a pipe that was opened to read
// with O_NONBLOCK, that is without one. The usual open() waits for a writer,
// and keeps a thread for that which nobody can call back.
//
// A writer is no event of poll() before it writes or leaves, but inotify tells
// of each open() of the pipe. We look whenever that has happened:
//
//   poll()           tee()   a writer
//   ---------------  ------  ---------------------------------------------
//   data, a hang-up  -       has come since the pipe was opened, or has left
//                            data that another reader keeps there
//   nothing          EAGAIN  is there, and has written nothing yet
//   nothing          0       has not come: a hang-up would be told
//
// Where inotify can't be had, as each user has a limited number of them, we
// look from time to time.
//
// Threads: belongs to one task.
// Cancel:  a dropped one leaves nothing behind. It has taken no bytes.
// Errors:  the output is 0, or a negative errno. -ECANCELED: the runtime has
//          shut down.
// Owner:   borrows the fd. It may be moved until its first poll.
#ifndef EDDY_IO_FS_WRITER_ARRIVAL_H_
#define EDDY_IO_FS_WRITER_ARRIVAL_H_

#include <cstdint>
#include <optional>

#include "io/owned_fd.h"
#include "reactor/registration.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"
#include "runtime/time/sleep.h"

namespace eddy::io {

class [[nodiscard]] WriterArrival {
 public:
  using Output = int64_t;

  explicit WriterArrival(int pipe) : pipe_(pipe) {}

  Poll<int64_t> poll(Context& cx);

 private:
  // Has one come? Empty: no.
  std::optional<int64_t> look();
  // By inotify, if it can be had: 0, or an error.
  int64_t watch();
  // Until it is worth looking: 0, or an error.
  Poll<int64_t> wait(Context& cx);
  Poll<int64_t> wait_for_event(Context& cx);

  const int pipe_;
  bool has_looked_ = false;
  OwnedFd copy_out_, copy_in_;  // the pipe that tee() would copy to
  OwnedFd inotify_;
  std::optional<reactor::Registration> registration_;  // ends before inotify_
  std::optional<reactor::Waiter> waiter_;  // of that; empty: no inotify
  std::optional<time::Sleep> pause_;
};

}  // namespace eddy::io

#endif  // EDDY_IO_FS_WRITER_ARRIVAL_H_
