// SocketAddr: an IPv4 or IPv6 address with a port.
//
//   EDDY_ASSIGN_OR_RETURN(auto addr, SocketAddr::parse("[fe80::1%2]:80"));
//   addr.port();                             // 80
//   SocketAddr::loopback_v4(0).to_string();  // "127.0.0.1:0"
//
// Threads: a plain value.
// Errors:  parse() of anything but a number with a port is kInvalidArgument.
//          Names are for lookup_host().
#ifndef EDDY_IO_NET_SOCKET_ADDR_H_
#define EDDY_IO_NET_SOCKET_ADDR_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace eddy::io {

class SocketAddr {
 public:
  using V4 = std::array<uint8_t, 4>;  // in the order in which they are written
  using V6 = std::array<uint8_t, 16>;

  SocketAddr() = default;  // 0.0.0.0:0
  SocketAddr(V4 ip, uint16_t port);
  SocketAddr(V6 ip, uint16_t port, uint32_t scope_id = 0);

  static SocketAddr any_v4(uint16_t port) { return {V4{}, port}; }
  static SocketAddr any_v6(uint16_t port) { return {V6{}, port}; }
  static SocketAddr loopback_v4(uint16_t port) {
    return {V4{127, 0, 0, 1}, port};
  }
  static SocketAddr loopback_v6(uint16_t port);

  // "1.2.3.4:80", "[::1]:80", "[fe80::1%2]:80": the scope is a number.
  static absl::StatusOr<SocketAddr> parse(std::string_view text);
  // "1.2.3.4", "::1", "fe80::1%2", without brackets.
  static absl::StatusOr<SocketAddr> parse_ip(std::string_view ip,
                                             uint16_t port);

  bool is_v4() const { return family_ == Family::kV4; }
  bool is_v6() const { return family_ == Family::kV6; }
  bool is_loopback() const;
  V4 v4() const;  // of a v4 address
  V6 v6() const;  // of a v6 address
  uint16_t port() const { return port_; }
  uint32_t scope_id() const { return scope_id_; }  // 0: none

  // What parse() reads.
  std::string to_string() const;

  auto operator<=>(const SocketAddr&) const = default;

  template <class H>
  friend H AbslHashValue(H state, const SocketAddr& addr) {
    return H::combine(std::move(state), addr.family_, addr.ip_, addr.port_,
                      addr.scope_id_);
  }

 private:
  enum class Family : uint8_t { kV4, kV6 };

  Family family_ = Family::kV4;
  V6 ip_ = {};  // of a v4 address the first four bytes, and zeros
  uint16_t port_ = 0;
  uint32_t scope_id_ = 0;
};

}  // namespace eddy::io

#endif  // EDDY_IO_NET_SOCKET_ADDR_H_
