// The future of TcpListener::accept().
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "io/net/listener_state.h"
#include "io/net/sockaddr.h"
#include "io/net/tcp_listener.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/time/current_clock.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Assume;
using reactor::Registration;

void count(std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
}

absl::StatusOr<std::shared_ptr<Socket>> make_socket(const Socket& listener,
                                                    OwnedFd fd,
                                                    const SocketAddr& peer) {
  EDDY_ASSIGN_OR_RETURN(
      Registration registration,
      Registration::add(listener.registration(), fd.get(), Assume::kReady));
  return std::make_shared<Socket>(std::move(fd), std::move(registration), peer);
}

}  // namespace

TcpAccept::TcpAccept(ListenerState& listener)
    : listener_(listener),
      waiter_(listener.socket.registration(), reactor::Direction::kRead) {}

Poll<TcpAccept::Output> TcpAccept::poll(Context& cx) {
  for (;;) {
    if (!poll_pause(cx)) return kPending;
    Sockaddr raw;
    Poll<ssize_t> poll = waiter_.poll_io(cx, 0, [&] {
      raw.length = sizeof(raw.storage);
      return ssize_t{sys().accept4(listener_.socket.fd(), raw.get(),
                                   &raw.length, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    });
    if (poll.is_pending()) return kPending;
    int err = static_cast<int>(-*poll);
    if (*poll >= 0) {
      const SocketAddr peer = from_sockaddr(raw.get());
      absl::StatusOr<std::shared_ptr<Socket>> socket =
          make_socket(listener_.socket, OwnedFd(static_cast<int>(*poll)), peer);
      if (socket.ok()) {
        listener_.pause.reset();
        count(listener_.accepted);
        return Accepted(TcpStream(*std::move(socket)), peer);
      }
      err = errno_of(socket.status());
      if (err == 0) return std::move(socket).status();
    }
    switch (on_accept_error(err)) {
      case OnAcceptError::kNext:
        count(listener_.lost);
        break;
      case OnAcceptError::kPause:
        count(listener_.accept_errors);
        listener_.paused_until = time::now() + listener_.pause.next();
        break;
      case OnAcceptError::kFail:
        return listener_.socket.error(err, "accept on");
    }
  }
}

// True if there is no pause, or it is over.
bool TcpAccept::poll_pause(Context& cx) {
  if (!listener_.paused_until) return true;
  if (!pause_) pause_.emplace(*listener_.paused_until);
  if (pause_->poll(cx).is_pending()) return false;
  pause_.reset();
  listener_.paused_until.reset();
  return true;
}

}  // namespace eddy::io
