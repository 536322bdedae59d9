#include "io/net/socket_ready.h"

#include <sys/socket.h>

#include <cerrno>
#include <string_view>

#include "io/net/socket.h"
#include "runtime/base/sys.h"

namespace eddy::io {
namespace {

using base::sys;
using reactor::Direction;

// The answer of Waiter::try_io().
Tried to_tried(ssize_t result, const Socket& socket,
               std::string_view operation) {
  if (result == -EAGAIN) return std::optional<size_t>();
  if (result >= 0) return std::optional<size_t>(static_cast<size_t>(result));
  return socket.error(static_cast<int>(-result), operation);
}

}  // namespace

SocketReady::SocketReady(const Socket& socket, Direction direction)
    : socket_(socket),
      direction_(direction),
      waiter_(socket.registration(), direction) {}

Poll<absl::Status> SocketReady::poll(Context& cx) {
  if (!cx.has_budget()) return cx.yield();
  Poll<reactor::Readiness> ready = waiter_.poll_ready(cx);
  if (ready.is_pending()) return kPending;
  cx.spend();
  if (!ready->is_shutdown()) return absl::OkStatus();
  const bool reads = direction_ == Direction::kRead;
  return socket_.error(ECANCELED,
                       reads ? "wait to read from" : "wait to write to");
}

Tried try_recv(const Socket& socket, std::span<std::byte> into) {
  if (into.empty()) return std::optional<size_t>(0);
  reactor::Waiter waiter(socket.registration(), Direction::kRead);
  const ssize_t result = waiter.try_io(into.size(), [&] {
    return sys().recv(socket.fd(), into.data(), into.size(), 0);
  });
  return to_tried(result, socket, "read");
}

Tried try_send(const Socket& socket, std::span<const std::byte> from) {
  if (from.empty()) return std::optional<size_t>(0);
  reactor::Waiter waiter(socket.registration(), Direction::kWrite);
  const ssize_t result = waiter.try_io(from.size(), [&] {
    return sys().send(socket.fd(), from.data(), from.size(), MSG_NOSIGNAL);
  });
  return to_tried(result, socket, "write");
}

}  // namespace eddy::io
