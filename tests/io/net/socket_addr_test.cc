#include "io/net/socket_addr.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "io/net/sockaddr.h"

namespace eddy::io {
namespace {

TEST(SocketAddr, FormatsWhatItParses) {
  for (std::string text :
       {"0.0.0.0:0", "127.0.0.1:80", "255.255.255.255:65535", "[::]:0",
        "[::1]:80", "[fe80::1%2]:443", "[2001:db8::ff00:42:8329]:1",
        "[::ffff:10.0.0.1]:9"}) {
    absl::StatusOr<SocketAddr> addr = SocketAddr::parse(text);
    ASSERT_TRUE(addr.ok()) << text;
    EXPECT_EQ(addr->to_string(), text);
  }
}

// K1: what is no address is an error and nothing worse.
TEST(SocketAddr, RefusesWhatIsNoAddress) {
  using std::string_literals::operator""s;
  for (const std::string& text : {""s,
                                  ":"s,
                                  ":80"s,
                                  "80"s,
                                  "127.0.0.1"s,
                                  "127.0.0.1:"s,
                                  "127.0.0.1:-1"s,
                                  "127.0.0.1:+1"s,
                                  "127.0.0.1: 1"s,
                                  "127.0.0.1:1 "s,
                                  "127.0.0.1:65536"s,
                                  "127.0.0.1:99999999999999999999"s,
                                  "127.1:80"s,
                                  "256.0.0.1:80"s,
                                  "1.2.3.4.5:80"s,
                                  "localhost:80"s,
                                  "::1:80"s,
                                  "[::1]"s,
                                  "[::1]:"s,
                                  "[::1:80"s,
                                  "::1]:80"s,
                                  "[127.0.0.1]:80"s,
                                  "[]:80"s,
                                  "[::1%]:80"s,
                                  "[::1%eth0]:80"s,
                                  "[::1%4294967296]:80"s,
                                  "[%1]:80"s,
                                  "[::g]:80"s,
                                  "127.0.0.1\0:80"s,
                                  "127.0.0.1\0.2:80"s,
                                  std::string(5000, ':'),
                                  std::string(5000, '1')}) {
    EXPECT_FALSE(SocketAddr::parse(text).ok()) << text;
  }
}

TEST(SocketAddr, ParsesANumberWithoutAPort) {
  EXPECT_EQ(SocketAddr::parse_ip("10.0.0.1", 80)->to_string(), "10.0.0.1:80");
  EXPECT_EQ(SocketAddr::parse_ip("fe80::1%7", 80)->to_string(),
            "[fe80::1%7]:80");
  EXPECT_FALSE(SocketAddr::parse_ip("[::1]", 80).ok());
}

TEST(SocketAddr, HasItsParts) {
  const SocketAddr v4(SocketAddr::V4{10, 1, 2, 3}, 80);
  EXPECT_TRUE(v4.is_v4());
  EXPECT_EQ(v4.v4(), (SocketAddr::V4{10, 1, 2, 3}));
  EXPECT_EQ(v4.port(), 80);
  EXPECT_FALSE(v4.is_loopback());
  const SocketAddr v6 = SocketAddr::parse("[fe80::1%2]:443").value();
  EXPECT_TRUE(v6.is_v6());
  EXPECT_EQ(v6.v6()[0], 0xfe);
  EXPECT_EQ(v6.scope_id(), 2u);
  EXPECT_TRUE(SocketAddr::loopback_v4(1).is_loopback());
  EXPECT_TRUE(SocketAddr::loopback_v6(1).is_loopback());
  EXPECT_FALSE(SocketAddr::any_v6(1).is_loopback());
  EXPECT_EQ(SocketAddr(), SocketAddr::any_v4(0));
}

TEST(SocketAddr, ComparesAndHashes) {
  const std::set<SocketAddr> ordered = {
      SocketAddr::any_v4(0), SocketAddr::any_v4(1), SocketAddr::any_v6(0),
      SocketAddr(SocketAddr::V6{}, 0, /*scope_id=*/1), SocketAddr::any_v4(0)};
  EXPECT_EQ(ordered.size(), 4u);
  const absl::flat_hash_set<SocketAddr> hashed(ordered.begin(), ordered.end());
  EXPECT_EQ(hashed.size(), 4u);
}

TEST(SocketAddr, GoesThroughTheKernelsForm) {
  for (const char* text : {"1.2.3.4:5", "[fe80::1%2]:443", "[::]:0"}) {
    const SocketAddr addr = SocketAddr::parse(text).value();
    EXPECT_EQ(from_sockaddr(to_sockaddr(addr).get()), addr);
  }
  sockaddr other = {};
  other.sa_family = AF_UNIX;
  EXPECT_EQ(from_sockaddr(&other), SocketAddr());
}

TEST(SocketAddrDeathTest, TheOtherFamilysBytesAreMisuse) {
  EXPECT_DEATH((void)SocketAddr::any_v6(0).v4(), "ask is_v4");
  EXPECT_DEATH((void)SocketAddr::any_v4(0).v6(), "ask is_v6");
}

}  // namespace
}  // namespace eddy::io
