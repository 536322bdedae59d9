// lookup_host(): the addresses of a host.
//
//   EDDY_CO_ASSIGN_OR_RETURN(std::vector<SocketAddr> addrs,
//                            co_await lookup_host("example.org", 443));
//
// A number ("10.0.0.1", "::1") is answered at once. A name is looked up by the
// system's resolver, which blocks, on a thread of the blocking pool; the best
// address comes first (RFC 6724).
//
// Threads: any task.
// Cancel:  a lookup that has not begun does not begin; one that runs goes on
//          alone, to its own time-out.
// Errors:  kNotFound: there is no such host, or it has no address.
//          kUnavailable: no name server answers. kResourceExhausted: no memory,
//          or no thread for the lookup. kCancelled: the runtime has shut down.
#ifndef EDDY_IO_NET_RESOLVE_H_
#define EDDY_IO_NET_RESOLVE_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "io/net/socket_addr.h"
#include "runtime/task/task.h"

namespace eddy::io {

// Copies `host`. Never an empty list.
Task<absl::StatusOr<std::vector<SocketAddr>>> lookup_host(std::string_view host,
                                                          uint16_t port);

}  // namespace eddy::io

#endif  // EDDY_IO_NET_RESOLVE_H_
