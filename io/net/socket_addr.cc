#include "io/net/socket_addr.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "absl/status/status.h"
#include "runtime/base/check.h"

namespace eddy::io {
namespace {

absl::Status malformed(std::string_view text) {
  return absl::InvalidArgumentError(
      "not an address: \"" + std::string(text) +
      "\"; expected one such as 127.0.0.1:80 or [::1]:80");
}

// Decimal digits, and nothing else.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// inet_pton() is strict, and wants a string with an end.
template <size_t kSize>
std::optional<std::array<uint8_t, kSize>> parse_bytes(int family,
                                                      std::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof(terminated)) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::array<uint8_t, kSize> bytes;
  if (::inet_pton(family, terminated, bytes.data()) != 1) return std::nullopt;
  return bytes;
}

}  // namespace

SocketAddr::SocketAddr(V4 ip, uint16_t port) : port_(port) {
  std::copy(ip.begin(), ip.end(), ip_.begin());
}

SocketAddr::SocketAddr(V6 ip, uint16_t port, uint32_t scope_id)
    : family_(Family::kV6), ip_(ip), port_(port), scope_id_(scope_id) {}

SocketAddr SocketAddr::loopback_v6(uint16_t port) {
  V6 ip = {};
  ip.back() = 1;
  return {ip, port};
}

absl::StatusOr<SocketAddr> SocketAddr::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed(text);
  const auto port = parse_number<uint16_t>(text.substr(colon + 1));
  if (!port) return malformed(text);
  std::string_view ip = text.substr(0, colon);
  const bool bracketed = ip.starts_with('[') && ip.ends_with(']');
  if (bracketed) ip = ip.substr(1, ip.size() - 2);
  absl::StatusOr<SocketAddr> addr = parse_ip(ip, *port);
  if (!addr.ok() || addr->is_v6() != bracketed) return malformed(text);
  return addr;
}

absl::StatusOr<SocketAddr> SocketAddr::parse_ip(std::string_view ip,
                                                uint16_t port) {
  if (const auto v4 = parse_bytes<4>(AF_INET, ip)) return SocketAddr(*v4, port);
  uint32_t scope_id = 0;
  std::string_view v6_text = ip;
  if (const size_t percent = ip.find('%'); percent != std::string_view::npos) {
    const auto scope = parse_number<uint32_t>(ip.substr(percent + 1));
    if (!scope) return malformed(ip);
    scope_id = *scope;
    v6_text = ip.substr(0, percent);
  }
  const auto v6 = parse_bytes<16>(AF_INET6, v6_text);
  if (!v6) return malformed(ip);
  return SocketAddr(*v6, port, scope_id);
}

bool SocketAddr::is_loopback() const {
  return is_v4() ? ip_[0] == 127 : ip_ == loopback_v6(0).ip_;
}

SocketAddr::V4 SocketAddr::v4() const {
  EDDY_CHECK(is_v4(), "v4() of an IPv6 address: ask is_v4() first");
  return {ip_[0], ip_[1], ip_[2], ip_[3]};
}

SocketAddr::V6 SocketAddr::v6() const {
  EDDY_CHECK(is_v6(), "v6() of an IPv4 address: ask is_v6() first");
  return ip_;
}

std::string SocketAddr::to_string() const {
  char ip[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, ip_.data(), ip, sizeof(ip));
  const std::string port = std::to_string(port_);
  if (is_v4()) return std::string(ip) + ":" + port;
  const std::string scope =
      scope_id_ == 0 ? "" : "%" + std::to_string(scope_id_);
  return "[" + std::string(ip) + scope + "]:" + port;
}

}  // namespace eddy::io
