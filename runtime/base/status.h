// Errors of the operating system as absl::Status, and macros that pass a
// failure on.
//
//   if (sys().listen(fd, backlog) != 0) return errno_status(errno, "listen");
//
//   EDDY_ASSIGN_OR_RETURN(SocketAddr address, SocketAddr::parse(text));
//   EDDY_RETURN_IF_ERROR(socket.bind(address));
//
//   EDDY_CO_ASSIGN_OR_RETURN(TcpStream peer, co_await listener.accept());
//   EDDY_CO_RETURN_IF_ERROR(co_await write_all(peer, "hello\n"));
//
// The macros are statements, not expressions: a body of `if` needs its braces.
#ifndef EDDY_RUNTIME_BASE_STATUS_H_
#define EDDY_RUNTIME_BASE_STATUS_H_

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace eddy::base {

// The status of errno value `err`, which is positive. `what` is the operation,
// with what it was done to: "connect 10.0.0.1:80". The message reads
// "connect 10.0.0.1:80: Connection refused (ECONNREFUSED)".
//
//   kUnavailable        the peer, or the way to it, is lost
//   kResourceExhausted  no fds, memory, buffers or threads: try again later
//   kCancelled          ECANCELED
//   the rest            as the name of the errno suggests; kUnknown if none
//   does
absl::Status errno_status(int err, std::string_view what);

// The errno that `status` was made of; 0 if it was not made of one.
int errno_of(const absl::Status& status);

}  // namespace eddy::base

namespace eddy {
using base::errno_of;
using base::errno_status;
}  // namespace eddy

// Return the Status that the expression yields, unless it is ok.
#define EDDY_RETURN_IF_ERROR(...) \
  EDDY_STATUS_INTERNAL_RETURN_IF_ERROR(return, __VA_ARGS__)
#define EDDY_CO_RETURN_IF_ERROR(...) \
  EDDY_STATUS_INTERNAL_RETURN_IF_ERROR(co_return, __VA_ARGS__)

// Assign the value of the StatusOr that the expression yields to `lhs`, which
// may be a declaration (but no structured binding); if it has none, return its
// status.
#define EDDY_ASSIGN_OR_RETURN(lhs, ...)                                       \
  EDDY_STATUS_INTERNAL_ASSIGN_OR_RETURN(                                      \
      return, EDDY_STATUS_INTERNAL_CONCAT(eddy_status_or_, __COUNTER__), lhs, \
            __VA_ARGS__)
#define EDDY_CO_ASSIGN_OR_RETURN(lhs, ...)                                  \
  EDDY_STATUS_INTERNAL_ASSIGN_OR_RETURN(                                    \
      co_return, EDDY_STATUS_INTERNAL_CONCAT(eddy_status_or_, __COUNTER__), \
      lhs, __VA_ARGS__)

#define EDDY_STATUS_INTERNAL_RETURN_IF_ERROR(leave, ...) \
  do {                                                   \
    ::absl::Status eddy_status_ = (__VA_ARGS__);         \
    if (!eddy_status_.ok()) [[unlikely]]                 \
      leave eddy_status_;                                \
  } while (false)

#define EDDY_STATUS_INTERNAL_ASSIGN_OR_RETURN(leave, result, lhs, ...) \
  auto result = (__VA_ARGS__);                                         \
  if (!result.ok()) [[unlikely]]                                       \
    leave std::move(result).status();                                  \
  lhs = *std::move(result)

#define EDDY_STATUS_INTERNAL_CONCAT(a, b) EDDY_STATUS_INTERNAL_CONCAT2(a, b)
#define EDDY_STATUS_INTERNAL_CONCAT2(a, b) a##b

#endif  // EDDY_RUNTIME_BASE_STATUS_H_
