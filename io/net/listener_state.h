// ListenerState: what a TcpListener and the future of its accept() share.
//
// The pause after a lack of resources is the listener's, not the future's: an
// accept() that is dropped and made anew, as in a select() in a loop, does not
// cut it short.
//
// Threads: pause and paused_until are the accepting task's; the counters any's.
#ifndef EDDY_IO_NET_LISTENER_STATE_H_
#define EDDY_IO_NET_LISTENER_STATE_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "io/net/accept_policy.h"
#include "io/net/socket.h"
#include "runtime/time/clock.h"

namespace eddy::io {

class ListenerState {
 public:
  explicit ListenerState(Socket socket) : socket(std::move(socket)) {}

  Socket socket;
  AcceptPause pause;
  std::optional<time::Instant> paused_until;
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> lost{0};
  std::atomic<uint64_t> accept_errors{0};
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_LISTENER_STATE_H_
