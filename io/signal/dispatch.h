// What the signal handler shares with those who listen: how often each signal
// came, and an eventfd that is written to each time.
//
// The eventfd is made when the first listener comes, and stays: so a handler
// that runs late, on whatever thread, never writes to an fd that has become
// somebody else's. Nobody reads it: each write is an edge to every epoll that
// watches a duplicate of it.
//
// Threads: any.
#ifndef EDDY_IO_SIGNAL_DISPATCH_H_
#define EDDY_IO_SIGNAL_DISPATCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace eddy::io::signal {

// Counts from now on, instead of what the signal did before.
absl::Status install(int signal);
// Undoes one install(); the last one restores what the signal did before.
void uninstall(int signal);

// How often the signal came while it was installed.
uint64_t count(int signal);

// A new fd that becomes readable, with an edge, after count() has grown.
absl::StatusOr<int> duplicate_event_fd();

}  // namespace eddy::io::signal

#endif  // EDDY_IO_SIGNAL_DISPATCH_H_
