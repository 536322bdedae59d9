#include "io/net/sockaddr.h"

#include <cstring>

namespace eddy::io {

Sockaddr to_sockaddr(const SocketAddr& addr) {
  Sockaddr raw;
  if (addr.is_v4()) {
    sockaddr_in v4 = {};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(addr.port());
    std::memcpy(&v4.sin_addr, addr.v4().data(), sizeof(v4.sin_addr));
    std::memcpy(&raw.storage, &v4, sizeof(v4));
    raw.length = sizeof(v4);
  } else {
    sockaddr_in6 v6 = {};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(addr.port());
    v6.sin6_scope_id = addr.scope_id();
    std::memcpy(&v6.sin6_addr, addr.v6().data(), sizeof(v6.sin6_addr));
    std::memcpy(&raw.storage, &v6, sizeof(v6));
    raw.length = sizeof(v6);
  }
  return raw;
}

SocketAddr from_sockaddr(const sockaddr* addr) {
  if (addr->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, addr, sizeof(v4));
    SocketAddr::V4 ip;
    std::memcpy(ip.data(), &v4.sin_addr, ip.size());
    return {ip, ntohs(v4.sin_port)};
  }
  if (addr->sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, addr, sizeof(v6));
    SocketAddr::V6 ip;
    std::memcpy(ip.data(), &v6.sin6_addr, ip.size());
    return {ip, ntohs(v6.sin6_port), v6.sin6_scope_id};
  }
  return {};
}

}  // namespace eddy::io
