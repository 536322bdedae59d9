// A socket that accepts TCP connections.
//
//   EDDY_CO_ASSIGN_OR_RETURN(auto listener,
//                            eddy::io::TcpListener::bind("0.0.0.0:7777"));
//   for (;;) {
//     EDDY_CO_ASSIGN_OR_RETURN(auto accepted, co_await listener.accept());
//     eddy::spawn(serve(std::move(accepted.stream)));
//   }
//
// Threads: one task accepts. More tasks at once are misuse, which fails loudly:
//          let each have a listener of its own, with reuse_port.
// Cancel:  a dropped accept() has accepted no connection.
// Errors:  bind() fails as the kernel does. accept() goes on after errors of
//          single connections. Out of fds, buffers or memory it pauses for 10
//          ms, and longer each time, up to a second, and tries again; both are
//          counted in metrics(). What accept() answers is therefore fatal for
//          the listener; kCancelled: the runtime has shut down.
// Owner:   a pending accept() borrows the listener. Accepted streams belong to
//          the runtime of the listener.
#ifndef EDDY_IO_NET_TCP_LISTENER_H_
#define EDDY_IO_NET_TCP_LISTENER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "io/net/tcp_stream.h"
#include "reactor/waiter.h"
#include "runtime/task/future.h"
#include "runtime/time/sleep.h"

namespace eddy::io {

struct ListenOptions {
  bool reuse_addr = true;   // also while old connections linger
  bool reuse_port = false;  // share the port: the kernel spreads connections
  bool v6_only = false;     // of an IPv6 address: no IPv4 connections
  int backlog = 1024;       // connections that wait to be accepted
};

struct Accepted {
  // Declared, so that it is no aggregate: see runtime/task/future.h.
  Accepted(TcpStream stream, const SocketAddr& peer)
      : stream(std::move(stream)), peer(peer) {}

  TcpStream stream;
  SocketAddr peer;
};

class ListenerState;

// The future of accept().
class [[nodiscard]] TcpAccept {
 public:
  using Output = absl::StatusOr<Accepted>;

  explicit TcpAccept(ListenerState& listener);
  TcpAccept(TcpAccept&&) = default;  // until it is first polled

  Poll<Output> poll(Context& cx);

 private:
  bool poll_pause(Context& cx);

  ListenerState& listener_;
  reactor::Waiter waiter_;
  std::optional<time::Sleep> pause_;
};

class TcpListener {
 public:
  using Accept = TcpAccept;

  struct Metrics {
    uint64_t accepted;  // connections
    uint64_t lost;      // connections that failed before they were accepted
    uint64_t accept_errors;  // for lack of fds, buffers or memory
  };

  // Inside a runtime. Port 0: the kernel chooses one, see local_addr().
  static absl::StatusOr<TcpListener> bind(const SocketAddr& addr,
                                          const ListenOptions& options = {});
  // `addr` as in SocketAddr::parse(); names are for lookup_host().
  static absl::StatusOr<TcpListener> bind(std::string_view addr,
                                          const ListenOptions& options = {});

  TcpListener(TcpListener&&) noexcept;
  TcpListener& operator=(TcpListener&&) noexcept;
  ~TcpListener();  // connections that wait to be accepted are reset

  Accept accept() { return Accept(*state_); }

  // With the port that the kernel chose.
  const SocketAddr& local_addr() const;
  Metrics metrics() const;
  int fd() const;

 private:
  explicit TcpListener(std::unique_ptr<ListenerState> state);

  std::unique_ptr<ListenerState> state_;  // null after a move
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_TCP_LISTENER_H_
