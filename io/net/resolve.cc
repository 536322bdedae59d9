#include "io/net/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "io/net/sockaddr.h"
#include "runtime/base/status.h"
#include "runtime/base/sys.h"
#include "runtime/blocking/spawn_blocking.h"

namespace eddy::io {
namespace {

using base::sys;
using Addresses = std::vector<SocketAddr>;

absl::Status resolver_error(int error, int err, const std::string& host) {
  const std::string what = "look up " + host;
  if (error == EAI_SYSTEM) return errno_status(err, what);
  const std::string message = what + ": " + ::gai_strerror(error);
  switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return absl::NotFoundError(message);
    case EAI_AGAIN:
    case EAI_FAIL:
      return absl::UnavailableError(message);
    case EAI_MEMORY:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::InternalError(message);
  }
}

// Blocks.
absl::StatusOr<Addresses> resolve(const std::string& host, uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;  // else each address comes once per type
  addrinfo* list = nullptr;
  int error;
  do {
    error = sys().getaddrinfo(host.c_str(), nullptr, &hints, &list);
  } while (error == EAI_SYSTEM && errno == EINTR);
  if (error != 0) return resolver_error(error, errno, host);
  Addresses found;
  for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
    const SocketAddr addr = from_sockaddr(info->ai_addr);
    found.push_back(addr.is_v4()
                        ? SocketAddr(addr.v4(), port)
                        : SocketAddr(addr.v6(), port, addr.scope_id()));
  }
  sys().freeaddrinfo(list);
  if (found.empty()) return resolver_error(EAI_NODATA, 0, host);
  return found;
}

Task<absl::StatusOr<Addresses>> lookup(std::string host, uint16_t port) {
  if (host.empty() || host.find('\0') != std::string::npos) {
    co_return absl::InvalidArgumentError("not the name of a host: \"" + host +
                                         "\"");
  }
  absl::StatusOr<SocketAddr> number = SocketAddr::parse_ip(host, port);
  if (number.ok()) co_return Addresses{*number};
  JoinResult<absl::StatusOr<Addresses>> result =
      co_await spawn_blocking(resolve, host, port);
  if (result.has_value()) co_return *std::move(result);
  if (result.is_cancelled()) {
    co_return absl::CancelledError("look up " + host +
                                   ": the runtime has shut down");
  }
  co_return absl::ResourceExhaustedError("look up " + host +
                                         ": no thread or memory for it");
}

}  // namespace

Task<absl::StatusOr<Addresses>> lookup_host(std::string_view host,
                                            uint16_t port) {
  return lookup(std::string(host), port);
}

}  // namespace eddy::io
