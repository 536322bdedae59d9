// SocketAddr as the kernel writes it.
//
//   Sockaddr raw = to_sockaddr(addr);
//   sys().bind(fd, raw.get(), raw.length);
//
//   Sockaddr peer;
//   sys().accept4(fd, peer.get(), &peer.length, SOCK_CLOEXEC);
//   SocketAddr addr = from_sockaddr(peer.get());
#ifndef EDDY_IO_NET_SOCKADDR_H_
#define EDDY_IO_NET_SOCKADDR_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include "io/net/socket_addr.h"

namespace eddy::io {

struct Sockaddr {
  Sockaddr() : storage{} {}

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }

  sockaddr_storage storage;
  socklen_t length = sizeof(storage);
};

Sockaddr to_sockaddr(const SocketAddr& addr);
// Of another family than IPv4 and IPv6: 0.0.0.0:0.
SocketAddr from_sockaddr(const sockaddr* addr);

}  // namespace eddy::io

#endif  // EDDY_IO_NET_SOCKADDR_H_
